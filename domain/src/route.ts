/**
 * A route leads from a model alias to deployments: tiers in order, and within a tier a share by weight.
 * A later tier is tried only when the earlier ones cannot serve.
 */
import { z } from 'zod'
import { DeploymentId } from './deployment.ts'
import { idOf } from './id.ts'
import { ModelAliasId } from './model-alias.ts'

const RouteId = idOf('rte')

const RouteTarget = z.object({
  deploymentId: DeploymentId,
  weight: z.int().min(1).max(1000).default(1),
})

/** At most four targets are ever tried for one call, so more tiers than that would be decoration. */
const tiersOf = <T extends z.ZodType>(target: T) => z.array(z.array(target).min(1).max(50)).min(1).max(4)

export const Route = z.object({
  id: RouteId,
  aliasId: ModelAliasId,
  tiers: tiersOf(RouteTarget),
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

export const NewRoute = z.strictObject({ aliasId: ModelAliasId, tiers: NewTiers })
export type NewRoute = z.infer<typeof NewRoute>

/** A route stays with its alias. */
export const RouteChange = z.strictObject({ tiers: NewTiers }).partial()
export type RouteChange = z.infer<typeof RouteChange>

/**
 * Puts one tier in the order to try it: weighted choice without replacement.
 * @param random gives numbers in [0, 1), as Math.random does.
 */
export function orderTier<T extends { weight: number }>(tier: readonly T[], random: () => number): T[] {
  if (tier.length < 2) return [...tier]
  const rest = [...tier]
  const ordered: T[] = []
  while (rest.length > 0) {
    const total = rest.reduce((sum, target) => sum + target.weight, 0)
    let at = random() * total
    const index = rest.findIndex((target) => {
      at -= target.weight
      return at < 0
    })
    ordered.push(...rest.splice(Math.max(0, index), 1))
  }
  return ordered
}
