/**
 * A route leads from a model alias to deployments: tiers in order, and within a tier a choice. A later tier is
 * tried only when the earlier ones cannot serve. Rules before the tiers send some calls elsewhere: the first
 * whose condition holds decides, and where none does, the route's own tiers.
 */
import { z } from 'zod'
import { Choice } from './choice.ts'
import { DeploymentId } from './deployment.ts'
import { idOf } from './id.ts'
import { ModelAliasId } from './model-alias.ts'
import { DisplayName } from './name.ts'
import { RouteCondition } from './route-condition.ts'

const RouteId = idOf('rte')

/** More rules for one alias than anybody can follow. */
const RULES_MAX = 50

const RouteTarget = z.object({
  deploymentId: DeploymentId,
  weight: z.int().min(1).max(1000).default(1),
})

/** At most four targets are ever tried for one call, so more tiers than that would be decoration. */
const tiersOf = <T extends z.ZodType>(target: T) => z.array(z.array(target).min(1).max(50)).min(1).max(4)

const RouteRule = z.object({
  name: DisplayName,
  when: RouteCondition,
  tiers: tiersOf(RouteTarget),
  choice: Choice,
})
type RouteRule = z.infer<typeof RouteRule>

export const Route = z.object({
  id: RouteId,
  aliasId: ModelAliasId,
  /** In order; the first that holds decides. Absent in documents from before there were rules. */
  rules: z.array(RouteRule).default([]),
  /** Where no rule holds. */
  tiers: tiersOf(RouteTarget),
  choice: Choice.default('weighted'),
  createdAt: z.iso.datetime({ offset: true }),
})
export type Route = z.infer<typeof Route>

const NewTiers = tiersOf(RouteTarget.strict()).refine(
  (tiers) => {
    const ids = tiers.flat().map((target) => target.deploymentId)
    return new Set(ids).size === ids.length
  },
  { error: 'a deployment may stand in a route only once' },
)

const NewRules = z
  .array(
    z.strictObject({
      name: DisplayName,
      when: RouteCondition,
      tiers: NewTiers,
      choice: Choice.default('weighted'),
    }),
  )
  .max(RULES_MAX)

export const NewRoute = z.strictObject({
  aliasId: ModelAliasId,
  rules: NewRules.default([]),
  tiers: NewTiers,
  choice: Choice.default('weighted'),
})
export type NewRoute = z.infer<typeof NewRoute>

/** A route stays with its alias. Rules are sent whole. */
export const RouteChange = z.strictObject({ rules: NewRules, tiers: NewTiers, choice: Choice }).partial()
export type RouteChange = z.infer<typeof RouteChange>

/** All deployments a route may lead to, each once. */
export function deploymentIdsOf({ rules, tiers }: Pick<Route, 'rules' | 'tiers'>): Set<string> {
  const all: readonly RouteRule['tiers'][] = [...rules.map((rule) => rule.tiers), tiers]
  return new Set(all.flat(2).map((target) => target.deploymentId))
}
