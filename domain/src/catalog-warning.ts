/**
 * A catalog warning is something that may be published and is seldom meant: a price that is missing, a name that
 * leads nowhere, a rule that can never matter. Conflicts, which may not be published, are `catalogFaults`.
 */
import { z } from 'zod'
import type { CatalogDocument } from './catalog.ts'
import type { Policy } from './policy.ts'
import { deploymentIdsOf } from './route.ts'

export const CatalogWarning = z.object({
  kind: z.string(),
  id: z.string(),
  /** One sentence. */
  message: z.string(),
})
export type CatalogWarning = z.infer<typeof CatalogWarning>

/** What somebody should look at before this is published. */
export function catalogWarnings(document: CatalogDocument): CatalogWarning[] {
  const priced = new Set(document.prices.map((price) => price.model))
  const routed = new Set(document.routes.flatMap((route) => [...deploymentIdsOf(route)]))
  const aliased = new Set(document.routes.map((it) => it.aliasId))
  const warnings: CatalogWarning[] = []
  for (const { id, name, pricedAs } of document.deployments) {
    if (!routed.has(id))
      warnings.push({ kind: 'deployment', id, message: `no route leads to deployment "${name}"` })
    else if (!priced.has(pricedAs)) {
      const message = `deployment "${name}" has no price for "${pricedAs}": its calls have no known cost`
      warnings.push({ kind: 'price', id, message })
    }
  }
  for (const { id, name } of document.aliases) {
    if (!aliased.has(id))
      warnings.push({ kind: 'alias', id, message: `alias "${name}" has no route: nobody can call it` })
  }
  return [...warnings, ...document.policies.flatMap((it) => deadNames(it, document.policies))]
}

/** Names that a policy allows and that it denies itself, or the organisation does: a deny at any level wins. */
function deadNames(policy: Policy, all: readonly Policy[]): CatalogWarning[] {
  const deniers = all.filter((it) => it === policy || (it.ownerId === null && it.mode === 'enforce'))
  const lists = [
    ['allowedModels', 'deniedModels'],
    ['allowedEndpoints', 'deniedEndpoints'],
    ['allowedResources', 'deniedResources'],
  ] as const
  return lists.flatMap(([allowed, denied]) =>
    (policy[allowed] ?? []).flatMap((name) => {
      const by = deniers.find((it) => it[denied]?.includes(name))
      if (by === undefined) return []
      const whom = by === policy ? 'itself denies' : `policy "${by.name}" denies`
      const message = `policy "${policy.name}" allows "${name}", which ${whom}: the deny wins`
      return [{ kind: 'policy', id: policy.id, message }]
    }),
  )
}
