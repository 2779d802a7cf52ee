/**
 * The catalog is all the data plane needs to know but the keys: compiled by the control plane, immutable,
 * versioned. A call takes one catalog when it arrives and keeps it to its last byte.
 */
import { z } from 'zod'
import { Agreement } from './agreement.ts'
import { App } from './app.ts'
import { BudgetRule } from './budget.ts'
import { type LimitTree, limitFaults, openLimitTree } from './claim.ts'
import { Deployment } from './deployment.ts'
import { LimitRule } from './limit.ts'
import { ModelAlias } from './model-alias.ts'
import { danglingNames, Policy } from './policy.ts'
import { Price, type Provider } from './price.ts'
import type { KeyRecord } from './proxy-key.ts'
import { type RateCard, type RatePeriod, ratePeriods } from './rate-card.ts'
import { type ApiStyle, Quota, Resource } from './resource.ts'
import { orderTier, Route } from './route.ts'
import { type Budgets, budgetFaults, openBudgets } from './spend.ts'
import { type Standing, standingsOf } from './standing.ts'
import { SealedSecret } from './stored-secret.ts'
import { Team } from './team.ts'

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
  /** What its usage costs, latest first, each with the instant it begins. */
  readonly rates: readonly RatePeriod[]
}

type Target = { readonly deployment: ServingDeployment; readonly weight: number }

export type ServingAlias = {
  readonly name: string
  readonly createdAtSeconds: number
  readonly tiers: readonly (readonly Target[])[]
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
export type CatalogFault = { kind: string; id: string; message: string }

/**
 * Makes a document ready to serve from: all look-ups are maps, all joins are done.
 * The document must be free of faults (`catalogFaults`); a dangling reference here is an error.
 */
export function openCatalog(document: CatalogDocument): Catalog {
  const resources = byId(document.resources)
  const pricesOf = Map.groupBy(document.prices, (price) => price.model)
  const deployments = new Map<string, ServingDeployment>()
  for (const it of document.deployments) {
    const resource = found(resources.get(it.resourceId), 'resource', it.resourceId)
    const place = { provider: providerOf(resource.apiStyle), resourceId: resource.id, deploymentId: it.id }
    const rates = ratePeriods(pricesOf.get(it.pricedAs) ?? [], document.agreements, place)
    deployments.set(it.id, { ...it, resource, rates })
  }
  const routes = new Map(document.routes.map((route) => [route.aliasId, route]))
  const aliases: ServingAlias[] = []
  for (const alias of document.aliases) {
    const tiers = (routes.get(alias.id)?.tiers ?? []).map((tier) =>
      tier.map((target) => ({
        deployment: found(deployments.get(target.deploymentId), 'deployment', target.deploymentId),
        weight: target.weight,
      })),
    )
    const createdAtSeconds = Math.floor(Date.parse(alias.createdAt) / 1000)
    if (tiers.length > 0) aliases.push({ name: alias.name, createdAtSeconds, tiers })
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

/** The deployments to try for a call on this alias, best first; `random` as Math.random. */
export function candidatesOf(alias: ServingAlias, random: () => number): ServingDeployment[] {
  const [only, ...more] = alias.tiers
  if (only?.length === 1 && more.length === 0) return [(only[0] as Target).deployment]
  return alias.tiers.flatMap((tier) => orderTier(tier, random).map((target) => target.deployment))
}

/** What a deployment's usage costs at an instant; null when that is unknown then. */
export function priceOf(deployment: Pick<ServingDeployment, 'rates'>, nowMs: number): RateCard | null {
  for (const period of deployment.rates) if (period.fromMs <= nowMs) return period.card
  return null
}

/** Every reason why a document may not be published; empty when it may. */
export function catalogFaults(document: CatalogDocument): CatalogFault[] {
  const faults: CatalogFault[] = []
  const teams = byId(document.teams)
  const resources = byId(document.resources)
  const quotas = byId(document.quotas)
  const deployments = byId(document.deployments)
  const aliases = byId(document.aliases)
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
  const routed = new Set<string>()
  for (const route of document.routes) {
    const name = aliases.get(route.aliasId)?.name
    if (name === undefined) say('route', route.id, 'the route begins at an alias that does not exist')
    if (routed.has(route.aliasId)) say('route', route.id, `alias "${name}" already has a route`)
    routed.add(route.aliasId)
    for (const target of route.tiers.flat()) {
      if (!deployments.has(target.deploymentId)) {
        say('route', route.id, `the route of "${name}" leads to no deployment (${target.deploymentId})`)
      }
    }
  }
  faults.push(...policyFaults(document))
  faults.push(...budgetFaults(document.budgets, new Set(document.aliases.map((it) => it.name))))
  for (const [kind, things] of namedThings(document)) {
    for (const it of repeated(things)) say(kind, it.id, `two ${kind}s are named "${it.name}"`)
  }
  return faults
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
