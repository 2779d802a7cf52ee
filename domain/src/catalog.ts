/**
 * The catalog is all the data plane needs to know but the keys: compiled by the control plane, immutable,
 * versioned. A call takes one catalog when it arrives and keeps it to its last byte.
 */
import { z } from 'zod'
import { Agreement } from './agreement.ts'
import { App } from './app.ts'
import { BudgetRule } from './budget.ts'
import { type Choice, type Chooser, hashOf, orderTier } from './choice.ts'
import { type LimitTree, limitFaults, openLimitTree } from './claim.ts'
import { Deployment } from './deployment.ts'
import { shadowingAliases } from './known-model.ts'
import { LimitRule } from './limit.ts'
import { ModelAlias } from './model-alias.ts'
import { type ModelEntries, ModelFacts, modelEntriesOf, modelEntryOf, servesEndpoint } from './model-entry.ts'
import { danglingNames, Policy } from './policy.ts'
import { Price, type Provider } from './price.ts'
import type { KeyRecord } from './proxy-key.ts'
import { type RateCard, type RatePeriod, ratePeriods } from './rate-card.ts'
import { type ApiStyle, Quota, Resource } from './resource.ts'
import { deploymentIdsOf, Route } from './route.ts'
import { type OpenCondition, openCondition, type RouteQuestion } from './route-condition.ts'
import { type Budgets, budgetFaults, openBudgets } from './spend.ts'
import { type Standing, standingsOf } from './standing.ts'
import { SealedSecret } from './stored-secret.ts'
import { Team } from './team.ts'
import { ruleFaults } from './unreachable-rule.ts'

/** What is published: plain data, secret references only. */
export const CatalogDocument = z.object({
  format: z.literal(1),
  version: z.int().min(1),
  compiledAt: z.iso.datetime(),
  teams: z.array(Team.pick({ id: true, name: true, allowedModels: true })),
  apps: z.array(App.pick({ id: true, teamId: true, name: true, allowedModels: true })),
  resources: z.array(Resource),
  quotas: z.array(Quota),
  deployments: z.array(Deployment),
  /** Those of deployed models. */
  modelEntries: z.array(ModelFacts).default([]),
  aliases: z.array(ModelAlias),
  routes: z.array(Route),
  /** Absent in documents from before there were policies. */
  policies: z.array(Policy).default([]),
  prices: z.array(Price),
  agreements: z.array(Agreement).default([]),
  /** Those of teams, apps and users, and any other that holds a guarantee; a key carries its own. */
  limits: z.array(LimitRule).default([]),
  /** Those of teams, apps and users; a key carries its own. */
  budgets: z.array(BudgetRule).default([]),
  /** Joined when it is published; what is kept of a version has none, so no history holds an old seal. */
  sealedSecrets: z.array(SealedSecret).default([]),
})
export type CatalogDocument = z.infer<typeof CatalogDocument>

/** A deployment with everything a call needs of it already joined. */
export type ServingDeployment = Readonly<Deployment> & {
  readonly resource: Readonly<Resource>
  /** What is known of the model it runs. */
  readonly model: Readonly<ModelFacts> | null
  /** What its usage costs, latest first, each with the instant it begins. */
  readonly rates: readonly RatePeriod[]
}

type Target = {
  readonly deployment: ServingDeployment
  readonly weight: number
  /** What its name comes to where calls stick to deployments. */
  readonly seed: number
}

/** Tiers in order, and how each is put in order. */
export type ServingPath = {
  /** The rule that leads here; null where no rule holds. */
  readonly rule: string | null
  readonly choice: Choice
  readonly tiers: readonly (readonly Target[])[]
  /** The one deployment it leads to, where there is but one and nothing to choose. */
  readonly only: readonly [ServingDeployment] | null
}

export type ServingRule = ServingPath & { readonly rule: string; readonly missedBy: OpenCondition }

/** The path of an alias is the one where none of its rules holds. */
export type ServingAlias = ServingPath & {
  readonly name: string
  readonly createdAtSeconds: number
  readonly rules: readonly ServingRule[]
  /** All that it may lead to, each once. */
  readonly deployments: readonly ServingDeployment[]
}

export type Catalog = {
  readonly version: number
  /** In the order of their names. */
  readonly aliases: readonly ServingAlias[]
  alias(name: string): ServingAlias | undefined
  /** What all policies say of a key. The same value each time it is asked for the same record. */
  standing(key: KeyRecord): Standing
  team(id: string): { readonly name: string } | undefined
  app(id: string): { readonly name: string } | undefined
  readonly limits: LimitTree
  readonly budgets: Budgets
}

/** What is wrong with a document, each fault one sentence that names the thing at fault. */
export type CatalogFault = {
  kind: string
  id: string
  message: string
  /** What to do about it, where that can be said better than "change it". */
  fix?: string
}

/**
 * Makes a document ready to serve from: all look-ups are maps, all joins are done.
 * The document must be free of faults (`catalogFaults`); a dangling reference here is an error.
 */
export function openCatalog(document: CatalogDocument): Catalog {
  const resources = byId(document.resources)
  const pricesOf = Map.groupBy(document.prices, (price) => price.model)
  const models = modelEntriesOf(document.modelEntries)
  const deployments = new Map<string, ServingDeployment>()
  for (const it of document.deployments) {
    const resource = found(resources.get(it.resourceId), 'resource', it.resourceId)
    const place = { provider: providerOf(resource.apiStyle), resourceId: resource.id, deploymentId: it.id }
    const rates = ratePeriods(pricesOf.get(it.pricedAs) ?? [], document.agreements, place)
    const model = modelEntryOf(models, it.pricedAs, place.provider)
    deployments.set(it.id, { ...it, resource, model, rates })
  }
  const routes = new Map(document.routes.map((route) => [route.aliasId, route]))
  const aliases: ServingAlias[] = []
  for (const alias of document.aliases) {
    const route = routes.get(alias.id)
    if (route !== undefined) aliases.push(openAlias(alias, route, deployments))
  }
  aliases.sort((a, b) => (a.name < b.name ? -1 : 1))
  const aliasByName = new Map(aliases.map((alias) => [alias.name, alias]))
  const teams = byId(document.teams)
  const apps = byId(document.apps)
  return Object.freeze({
    version: document.version,
    aliases,
    alias: (name: string) => aliasByName.get(name),
    standing: standingsOf(document),
    team: (id: string) => teams.get(id),
    app: (id: string) => apps.get(id),
    limits: openLimitTree(document),
    budgets: openBudgets(document),
  })
}

function openAlias(
  { name, createdAt }: ModelAlias,
  route: Route,
  deployments: ReadonlyMap<string, ServingDeployment>,
): ServingAlias {
  const serving = (id: string) => found(deployments.get(id), 'deployment', id)
  const pathTo = (rule: string | null, it: Pick<Route, 'tiers' | 'choice'>): ServingPath => {
    const tiers = it.tiers.map((tier) =>
      tier.map(({ deploymentId, weight }) => ({
        ...{ deployment: serving(deploymentId), weight, seed: hashOf(deploymentId) },
      })),
    )
    const [first, ...more] = tiers.flat()
    return {
      ...{ rule, choice: it.choice, tiers },
      only: first !== undefined && more.length === 0 ? [first.deployment] : null,
    }
  }
  return {
    ...{ name, createdAtSeconds: Math.floor(Date.parse(createdAt) / 1000) },
    ...pathTo(null, route),
    rules: route.rules.map((it) => ({
      ...{ ...pathTo(it.name, it), rule: it.name, missedBy: openCondition(it.when) },
    })),
    deployments: [...deploymentIdsOf(route)].map(serving),
  }
}

/** Where a call on this alias goes: by the first rule that holds for it, or else by none. */
export function pathOf(alias: ServingAlias, asked: RouteQuestion): ServingPath {
  for (const rule of alias.rules) if (rule.missedBy(asked) === null) return rule
  return alias
}

/** The deployments of a path, best first. */
export function candidatesOf(path: ServingPath, chooser: Chooser): readonly ServingDeployment[] {
  if (path.only !== null) return path.only
  return path.tiers.flatMap((tier) =>
    orderTier(tier, path.choice, chooser).map((target) => target.deployment),
  )
}

/** What a deployment's usage costs at an instant; null when that is unknown then. */
export function priceOf(deployment: Pick<ServingDeployment, 'rates'>, nowMs: number): RateCard | null {
  for (const period of deployment.rates) if (period.fromMs <= nowMs) return period.card
  return null
}

/**
 * Every reason why a document may not be published; empty when it may.
 * @param models the names that providers are known to give models, besides those that are deployed
 */
export function catalogFaults(
  document: CatalogDocument,
  models: ReadonlySet<string> = new Set(),
): CatalogFault[] {
  const faults: CatalogFault[] = []
  const teams = byId(document.teams)
  const resources = byId(document.resources)
  const quotas = byId(document.quotas)
  const say = (kind: string, id: string, message: string) => faults.push({ kind, id, message })
  for (const it of document.apps) {
    if (!teams.has(it.teamId)) say('app', it.id, `app "${it.name}" belongs to no team we know`)
  }
  for (const it of document.deployments) {
    if (!resources.has(it.resourceId)) say('deployment', it.id, `deployment "${it.name}" has no resource`)
    if (it.quotaId !== null && quotas.get(it.quotaId)?.resourceId !== it.resourceId) {
      say('deployment', it.id, `deployment "${it.name}" draws on a quota of another resource`)
    }
  }
  faults.push(...limitFaults(document))
  faults.push(...routeFaults(document), ...shadowFaults(document, models))
  faults.push(...policyFaults(document))
  faults.push(...budgetFaults(document.budgets, new Set(document.aliases.map((it) => it.name))))
  for (const [kind, things] of namedThings(document)) {
    for (const it of repeated(things)) say(kind, it.id, `two ${kind}s are named "${it.name}"`)
  }
  return faults
}

function routeFaults(document: CatalogDocument): CatalogFault[] {
  const faults: CatalogFault[] = []
  const deployments = byId(document.deployments)
  const aliases = byId(document.aliases)
  const owners = { teams: byId(document.teams), apps: byId(document.apps) }
  const models = modelEntriesOf(document.modelEntries)
  const serving = { deployments, resources: byId(document.resources), models }
  const routed = new Set<string>()
  for (const route of document.routes) {
    const say = (it: Pick<CatalogFault, 'message' | 'fix'>) =>
      faults.push({ kind: 'route', id: route.id, ...it })
    const name = aliases.get(route.aliasId)?.name
    if (name === undefined) say({ message: 'the route begins at an alias that does not exist' })
    if (routed.has(route.aliasId)) say({ message: `alias "${name}" already has a route` })
    routed.add(route.aliasId)
    for (const id of deploymentIdsOf(route)) {
      if (!deployments.has(id)) say({ message: `the route of "${name}" leads to no deployment (${id})` })
    }
    for (const it of unservedBy(route, name, serving)) say(it)
    for (const { message, fix } of ruleFaults(route.rules, owners))
      say({ message: `the route of "${name}": ${message}`, fix })
  }
  return faults
}

type Serving = {
  readonly deployments: ReadonlyMap<string, Deployment>
  readonly resources: ReadonlyMap<string, Resource>
  readonly models: ModelEntries
}

/** Deployments that a rule is to send calls to and whose model serves none of its endpoints. */
function unservedBy(
  route: Route,
  alias: string | undefined,
  { deployments, resources, models }: Serving,
): Pick<CatalogFault, 'message' | 'fix'>[] {
  return route.rules.flatMap(({ name, when, tiers }) => {
    const { endpoints } = when
    if (endpoints === null) return []
    return [...new Set(tiers.flat().map((it) => it.deploymentId))].flatMap((id) => {
      const it = deployments.get(id)
      const resource = it && resources.get(it.resourceId)
      if (it === undefined || resource === undefined) return []
      const model = modelEntryOf(models, it.pricedAs, providerOf(resource.apiStyle))
      if (endpoints.some((endpoint) => servesEndpoint({ model }, endpoint))) return []
      const message = `the route of "${alias}": rule "${name}" sends ${endpoints.join(', ')} to deployment "${it.name}", whose model "${it.pricedAs}" serves ${model?.endpoints?.join(', ')}`
      const fix =
        'Take the deployment out of the rule, name other endpoints in it, or correct the endpoints of the model entry.'
      return [{ message, fix }]
    })
  })
}

function shadowFaults(document: CatalogDocument, models: ReadonlySet<string>): CatalogFault[] {
  return shadowingAliases(document, models).map(({ aliasId, name, servedBy }) => ({
    ...{ kind: 'alias', id: aliasId },
    message: `alias "${name}" has the name of a provider's model and leads to ${servedBy.join(', ')}`,
    fix: 'Give the alias another name, let its route lead to that model, or send overrides_model: true if it is meant.',
  }))
}

/** Keys are no part of a catalog, so a policy of a key is not held against it. */
function policyFaults(document: CatalogDocument): CatalogFault[] {
  const owners = new Set([...document.teams, ...document.apps].map((it) => it.id))
  const models = new Set(document.aliases.map((it) => it.name))
  const resources = new Set(document.resources.map((it) => it.id))
  return document.policies.flatMap((policy) => {
    const { id, name, ownerId } = policy
    const isKnown = ownerId === null || ownerId.startsWith('key_') || owners.has(ownerId)
    const names = danglingNames(policy, { models, resources }).map((it) => it.name)
    return (isKnown ? names : [ownerId, ...names]).map((what) => ({
      kind: 'policy',
      id,
      message: `policy "${name}" speaks of "${what}", which does not exist`,
    }))
  })
}

/** Whose prices hold at a resource. */
export function providerOf(apiStyle: ApiStyle): Provider {
  return apiStyle === 'openai' ? 'openai' : 'azure'
}

type Named = { id: string; name: string }

function namedThings(document: CatalogDocument): [string, readonly Named[]][] {
  return [
    ['alias', document.aliases],
    ['deployment', document.deployments],
    ['resource', document.resources],
    ['team', document.teams],
  ]
}

function repeated(things: readonly Named[]): Named[] {
  const seen = new Set<string>()
  return things.filter((it) => seen.size === seen.add(it.name).size)
}

function byId<T extends { id: string }>(things: readonly T[]): Map<string, T> {
  return new Map(things.map((it) => [it.id, it]))
}

function found<T>(thing: T | undefined, kind: string, id: string): T {
  if (thing === undefined) throw new Error(`catalog names a ${kind} it does not hold: ${id}`)
  return thing
}
