/**
 * A catalog warning is something that may be published and is seldom meant: a price that is missing, a name that
 * leads nowhere, a rule that can never matter. Conflicts, which may not be published, are `catalogFaults`.
 */
import { z } from 'zod'
import type { Agreement } from './agreement.ts'
import { type CatalogDocument, priceOf, providerOf } from './catalog.ts'
import type { Deployment } from './deployment.ts'
import { endingOf, type ModelEntries, modelEntriesOf, modelEntryOf } from './model-entry.ts'
import type { Policy } from './policy.ts'
import type { Price } from './price.ts'
import { ratePeriods } from './rate-card.ts'
import type { Resource } from './resource.ts'
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
  const routed = new Set(document.routes.flatMap((route) => [...deploymentIdsOf(route)]))
  const aliased = new Set(document.routes.map((it) => it.aliasId))
  const warnings: CatalogWarning[] = []
  const known = knownOf(document)
  for (const it of document.deployments) {
    const { id, name } = it
    if (!routed.has(id))
      warnings.push({ kind: 'deployment', id, message: `no route leads to deployment "${name}"` })
    else warnings.push(...unpriced(it, known), ...ending(it, known))
  }
  for (const { id, name } of document.aliases) {
    if (!aliased.has(id))
      warnings.push({ kind: 'alias', id, message: `alias "${name}" has no route: nobody can call it` })
  }
  return [...warnings, ...document.policies.flatMap((it) => deadNames(it, document.policies))]
}

/** What is asked of every deployment, put in order once. */
type Known = {
  readonly compiledAt: string
  readonly resources: ReadonlyMap<string, Resource>
  /** By the names of their models. */
  readonly prices: ReadonlyMap<string, readonly Price[]>
  readonly models: ModelEntries
  readonly agreements: readonly Agreement[]
}

function knownOf({ compiledAt, resources, prices, modelEntries, agreements }: CatalogDocument): Known {
  return {
    ...{ compiledAt, agreements, models: modelEntriesOf(modelEntries) },
    resources: new Map(resources.map((it) => [it.id, it])),
    prices: Map.groupBy(prices, (it) => it.model),
  }
}

/** A deployment whose calls have no known cost: now, or from an instant on. */
function unpriced(deployment: Deployment, known: Known): CatalogWarning[] {
  const { id, name, pricedAs, resourceId } = deployment
  const resource = known.resources.get(resourceId)
  if (resource === undefined) return []
  const prices = known.prices.get(pricedAs) ?? []
  const place = { provider: providerOf(resource.apiStyle), resourceId, deploymentId: id }
  const rates = ratePeriods(prices, known.agreements, place)
  const [last] = rates
  const nowMs = Date.parse(known.compiledAt)
  const say = (message: string) => [{ kind: 'price', id, message }]
  if (priceOf({ rates }, nowMs) === null) {
    const next = rates.findLast(({ fromMs, card }) => fromMs > nowMs && card !== null)
    const until = next === undefined ? '' : ` until ${new Date(next.fromMs).toISOString()}`
    return say(`deployment "${name}" has no price for "${pricedAs}"${until}: its calls have no known cost`)
  }
  if (last === undefined || last.card !== null) return []
  const end = new Date(last.fromMs).toISOString()
  return say(`the price of "${pricedAs}" at deployment "${name}" ends at ${end} and none follows`)
}

/** A deployment whose model the provider does not serve any more, or advises against. */
function ending({ id, name, pricedAs, resourceId }: Deployment, known: Known): CatalogWarning[] {
  const resource = known.resources.get(resourceId)
  if (resource === undefined) return []
  const model = modelEntryOf(known.models, pricedAs, providerOf(resource.apiStyle))
  const said = model && endingOf(model, known.compiledAt.slice(0, 10))
  if (said === null) return []
  return [{ kind: 'model', id, message: `deployment "${name}" runs "${pricedAs}", which ${said}` }]
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
