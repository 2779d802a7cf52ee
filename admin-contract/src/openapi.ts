/**
 * The table as an OpenAPI 3.1 document, for everyone who does not speak TypeScript. Nothing is written by
 * hand: shapes that have a name in `named` become components, everything else stands where it is used.
 */
import { Agreement } from '@headgate/domain/agreement'
import { App } from '@headgate/domain/app'
import { AuditEvent } from '@headgate/domain/audit-event'
import { Budget } from '@headgate/domain/budget'
import { Deployment } from '@headgate/domain/deployment'
import { ExchangeRate } from '@headgate/domain/exchange-rate'
import { ModelAlias } from '@headgate/domain/model-alias'
import { Policy } from '@headgate/domain/policy'
import { Price } from '@headgate/domain/price'
import { PriceLine } from '@headgate/domain/price-line'
import { ProxyKey } from '@headgate/domain/proxy-key'
import { Rerating } from '@headgate/domain/rerating'
import { Quota, Resource } from '@headgate/domain/resource'
import { Route } from '@headgate/domain/route'
import { Team } from '@headgate/domain/team'
import { UsageExport } from '@headgate/domain/usage-export'
import { UsageRecord } from '@headgate/domain/usage-record'
import { User } from '@headgate/domain/user'
import { z } from 'zod'
import { BudgetEvent, LiveBudget } from './budgets.ts'
import { CatalogVersion } from './catalog.ts'
import { contentTypes } from './download.ts'
import { API_ROOT, contract } from './index.ts'
import { ProxyKeyWithSecret } from './keys.ts'
import type { Operation } from './operation.ts'
import { Problem, type ProblemCode, problemRow } from './problem.ts'
import { UsageSums } from './usage-query.ts'
import { renameKey, renameSchema } from './wire.ts'

const named = {
  Agreement,
  App,
  AuditEvent,
  Budget,
  BudgetEvent,
  CatalogVersion,
  Deployment,
  ExchangeRate,
  LiveBudget,
  ModelAlias,
  Policy,
  Price,
  PriceLine,
  Problem,
  ProxyKey,
  ProxyKeyWithSecret,
  Quota,
  Rerating,
  Resource,
  Route,
  Team,
  UsageExport,
  UsageRecord,
  UsageSums,
  User,
}

export type JsonSchema = { readonly [keyword: string]: unknown }

export type OpenApiParameter = {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
}

type Content = { readonly [type: string]: { readonly schema: JsonSchema } }
export type OpenApiResponse = { readonly description: string; readonly content: Content }

export type OpenApiOperation = {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly security: readonly { readonly adminToken: readonly [] }[]
  readonly parameters: readonly OpenApiParameter[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: { readonly [status: string]: OpenApiResponse }
}

export type OpenApiDocument = {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: { readonly [path: string]: { readonly [method: string]: OpenApiOperation } }
  readonly components: {
    readonly schemas: { readonly [name: string]: JsonSchema }
    readonly securitySchemes: JsonSchema
  }
}

/**
 * Prints the table.
 * @param version of the product, as in package.json
 */
export function openApiDocument(version: string): OpenApiDocument {
  const printer = schemaPrinter()
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const [word, operations] of Object.entries(contract)) {
    const tag = renameKey(word).replaceAll('_', '-')
    for (const [name, it] of Object.entries(operations) as [string, Operation][]) {
      const path = wirePath(it.path)
      paths[path] ??= {}
      paths[path][it.method.toLowerCase()] = describe(it, { id: `${word}.${name}`, tag }, printer)
    }
  }
  printer.print(Problem, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Headgate admin API',
      version,
      description:
        'Teams, apps, users, keys, providers, routes, prices and usage of one Headgate installation.',
    },
    servers: [{ url: API_ROOT }],
    tags: Object.keys(contract).map((word) => ({ name: renameKey(word).replaceAll('_', '-') })),
    paths,
    components: {
      schemas: printer.components(),
      securitySchemes: {
        adminToken: { type: 'http', scheme: 'bearer', description: 'HEADGATE_ADMIN_TOKEN' },
      },
    },
  }
}

/** The path with its parameters in the words of the wire: `/keys/{key_id}`. */
export function wirePath(path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => `{${renameKey(name)}}`)
}

function describe(it: Operation, names: { id: string; tag: string }, printer: Printer): OpenApiOperation {
  const audited = it.audit === undefined ? '' : ` Leaves the audit event \`${it.audit}\`.`
  return {
    operationId: names.id,
    tags: [names.tag],
    summary: it.summary,
    description: `Needs the role ${it.role}.${audited}`,
    security: [{ adminToken: [] }],
    parameters: [...pathParameters(it.path), ...queryParameters(it.query, printer)],
    ...(it.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: printer.print(it.body, 'input') } },
          },
        }),
    responses: responsesOf(it, printer),
  }
}

function responsesOf(it: Operation, printer: Printer): Record<string, OpenApiResponse> {
  const status = it.method === 'GET' ? 200 : it.status
  const responses: Record<string, OpenApiResponse> = {
    [status]: {
      description: status === 201 ? 'Created.' : 'Done.',
      content: it.download === true ? fileContent : jsonContent(it, printer),
    },
  }
  for (const code of refusalsOf(it)) {
    const row = problemRow(code)
    responses[row.status] ??= {
      description: `${row.title}.`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
  }
  return responses
}

/** What a file may be; its columns are told by its sidecar. */
const fileContent: Content = Object.fromEntries(
  [...new Set(Object.values(contentTypes))].map((type) => [
    type.split(';')[0],
    { schema: { type: 'string' } },
  ]),
)

function jsonContent(it: Operation, printer: Printer): Content {
  return { 'application/json': { schema: printer.print(it.reply, 'output') } }
}

function refusalsOf(it: Operation): ProblemCode[] {
  const codes: ProblemCode[] = ['unauthenticated', 'forbidden', 'internal_error', 'database_unavailable']
  if (it.query !== undefined || it.body !== undefined) codes.push('invalid_request')
  if (it.path.includes('{')) codes.push('not_found')
  if (it.body !== undefined) codes.push('conflict', 'body_too_large', 'unsupported_content')
  return codes
}

function pathParameters(path: string): OpenApiParameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: renameKey(match[1] as string),
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
}

function queryParameters(query: z.ZodType | undefined, printer: Printer): OpenApiParameter[] {
  if (query === undefined) return []
  const { properties = {}, required = [] } = printer.print(query, 'input') as {
    properties?: Record<string, JsonSchema & { description?: string }>
    required?: string[]
  }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}

type Printer = {
  print(shape: z.ZodType, io: 'input' | 'output'): JsonSchema
  components(): Record<string, JsonSchema>
}

/** Prints shapes; the named ones once, as components, and as references wherever they are used. */
function schemaPrinter(): Printer {
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
