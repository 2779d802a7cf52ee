/**
 * A known model is a name that a provider gives one of its models. An alias of that name that leads elsewhere
 * shadows it: whoever writes the name is served, and billed, something else. That is refused unless the alias says
 * that it is meant.
 */
import type { Deployment } from './deployment.ts'
import type { ModelAlias } from './model-alias.ts'
import { deploymentIdsOf, type Route } from './route.ts'

/** A provider names the versions of a model by their days. */
const VERSION = /^-\d{4}-\d\d-\d\d$/

type Routed = {
  readonly deployments: readonly Pick<Deployment, 'id' | 'pricedAs'>[]
  readonly aliases: readonly Pick<ModelAlias, 'id' | 'name' | 'overridesModel'>[]
  readonly routes: readonly Pick<Route, 'aliasId' | 'rules' | 'tiers'>[]
}

type Shadowing = {
  readonly aliasId: string
  readonly name: string
  /** The models that serve in place of the one of that name. */
  readonly servedBy: readonly string[]
}

/**
 * The aliases that shadow a model and do not say that they mean it.
 * @param models the names that providers are known to give models, besides those that are deployed
 */
export function shadowingAliases(document: Routed, models: ReadonlySet<string>): Shadowing[] {
  const deployed = new Map(document.deployments.map((it) => [it.id, it.pricedAs]))
  const known = new Set([...models, ...deployed.values()])
  const routes = new Map(document.routes.map((route) => [route.aliasId, route]))
  return document.aliases.flatMap(({ id, name, overridesModel }) => {
    const route = routes.get(id)
    if (overridesModel || route === undefined || !known.has(name)) return []
    const served = new Set([...deploymentIdsOf(route)].map((it) => deployed.get(it) ?? name))
    const others = [...served].filter((model) => !isVersionOf(model, name))
    return others.length === 0 ? [] : [{ aliasId: id, name, servedBy: others.sort() }]
  })
}

function isVersionOf(model: string, name: string): boolean {
  return model === name || (model.startsWith(name) && VERSION.test(model.slice(name.length)))
}
