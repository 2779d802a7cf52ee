/**
 * Shapes as JSON Schema, for the OpenAPI document. Those that have a name here become components, everything
 * else stands where it is used.
 */
import { Agreement } from '@headgate/domain/agreement'
import { App } from '@headgate/domain/app'
import { ArchivedThing } from '@headgate/domain/archived-thing'
import { AuditAnchor } from '@headgate/domain/audit-anchor'
import { AuditEvent } from '@headgate/domain/audit-event'
import { Budget } from '@headgate/domain/budget'
import { CatalogDifference } from '@headgate/domain/catalog-difference'
import { Deployment } from '@headgate/domain/deployment'
import { ExchangeRate } from '@headgate/domain/exchange-rate'
import { KeyRotation } from '@headgate/domain/key-secret'
import { ModelAlias } from '@headgate/domain/model-alias'
import { ModelEntry } from '@headgate/domain/model-entry'
import { Policy } from '@headgate/domain/policy'
import { Price } from '@headgate/domain/price'
import { PriceLine } from '@headgate/domain/price-line'
import { ProxyKey } from '@headgate/domain/proxy-key'
import { Rerating } from '@headgate/domain/rerating'
import { Quota, Resource } from '@headgate/domain/resource'
import { Route } from '@headgate/domain/route'
import { StoredSecret } from '@headgate/domain/stored-secret'
import { Team } from '@headgate/domain/team'
import { UsageExport } from '@headgate/domain/usage-export'
import { UsageRecord } from '@headgate/domain/usage-record'
import { User } from '@headgate/domain/user'
import { z } from 'zod'
import { AuditReport } from './audit-events.ts'
import { BudgetEvent, LiveBudget } from './budgets.ts'
import { CatalogVersion } from './catalog.ts'
import { DryRun } from './dry-run.ts'
import { KeyClient, KeyRotationWithSecret } from './key-rotations.ts'
import { ProxyKeyWithSecret } from './keys.ts'
import { Problem } from './problem.ts'
import { SecretFinding } from './secrets.ts'
import { UsageSums } from './usage-query.ts'
import { renameSchema } from './wire.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }

const named = {
  Budget,
  BudgetEvent,
  LiveBudget,
  Agreement,
  ExchangeRate,
  PriceLine,
  Rerating,
  App,
  ArchivedThing,
  AuditAnchor,
  AuditEvent,
  AuditReport,
  CatalogDifference,
  CatalogVersion,
  Deployment,
  DryRun,
  KeyClient,
  KeyRotation,
  KeyRotationWithSecret,
  ModelAlias,
  ModelEntry,
  Policy,
  Price,
  Problem,
  ProxyKey,
  ProxyKeyWithSecret,
  Quota,
  Resource,
  Route,
  SecretFinding,
  StoredSecret,
  Team,
  UsageRecord,
  UsageExport,
  UsageSums,
  User,
}

export type SchemaPrinter = {
  print(shape: z.ZodType, io: 'input' | 'output'): JsonSchema
  components(): Record<string, JsonSchema>
}

/** Prints shapes; the named ones once, as components, and as references wherever they are used. */
export function schemaPrinter(): SchemaPrinter {
  const registry = z.registry<{ id: string }>()
  for (const [id, shape] of Object.entries(named)) registry.add(shape, { id })
  const found = new Map<string, JsonSchema>()
  return {
    print(shape, io) {
      const printed = z.toJSONSchema(shape, {
        io,
        metadata: registry,
        unrepresentable: 'any',
        override: ({ zodSchema, jsonSchema }) => {
          const description = z.globalRegistry.get(zodSchema)?.description
          if (description !== undefined) jsonSchema.description = description
          // The pattern of an instant says again, in 300 characters, what its format says.
          if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
          // Replies may gain fields; a client that checks them must not fall over that.
          if (io === 'output') delete jsonSchema.additionalProperties
        },
      })
      const { $schema: _, $defs, ...root } = renameSchema(pointToComponents(printed)) as JsonSchema
      for (const [id, schema] of Object.entries($defs ?? {})) found.set(id, withoutId(schema))
      const id = registry.get(shape)?.id
      if (id === undefined) return root
      if (!found.has(id)) found.set(id, withoutId(root))
      return { $ref: `#/components/schemas/${id}` }
    },
    components: () => Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

function withoutId(schema: JsonSchema): JsonSchema {
  const { id: _, ...rest } = schema
  return rest
}

function pointToComponents(printed: unknown): unknown {
  return JSON.parse(JSON.stringify(printed).replaceAll('"#/$defs/', '"#/components/schemas/'))
}
