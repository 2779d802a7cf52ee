/** A catalog is served whole or not at all: every fault in it has a name. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CatalogDocument, candidatesOf, catalogFaults, openCatalog, priceOf } from './catalog.ts'
import { catalogWarnings } from './catalog-warning.ts'
import { type IdPrefix, idSource } from './id.ts'
import { NewModelEntry } from './model-entry.ts'
import { NewPolicy, Policy } from './policy.ts'
import { RouteCondition } from './route-condition.ts'

const nextId = idSource()
const newId = (prefix: IdPrefix) => nextId(prefix, 1_764_000_000_000)
const createdAt = '2026-11-01T00:00:00Z'

/** One team and app, two resources with a deployment each, one alias whose route tries both in turn. */
function sample() {
  const [teamId, appId, aliasId, quotaId] = [newId('team'), newId('app'), newId('ali'), newId('quo')]
  const [resourceA, resourceB] = [newId('res'), newId('res')]
  const [one, two] = [newId('dep'), newId('dep')]
  const resource = (id: string, name: string) => ({
    ...{ id, name, apiStyle: 'openai', origin: 'https://api.openai.com', apiVersion: null },
    ...{ secretRef: 'env://OPENAI_API_KEY', createdAt },
  })
  const deployment = (id: string, name: string, resourceId: string, quota: string | null) => ({
    ...{ id, name, resourceId, quotaId: quota, upstreamModel: 'gpt-4o', pricedAs: 'gpt-4o', createdAt },
  })
  const quota = {
    id: quotaId,
    resourceId: resourceA,
    name: 'q',
    requestsPerMinute: 60,
    tokensPerMinute: null,
    createdAt,
  }
  const price = { id: newId('pri'), model: 'gpt-4o', currency: 'USD', effectiveFrom: createdAt, createdAt }
  const rest = { provider: null, isFree: false, effectiveTo: null, source: null }
  const lines = [
    { kind: 'input', nanos: 1 },
    { kind: 'output', nanos: 1 },
  ]
  return CatalogDocument.parse({
    ...{ format: 1, version: 3, compiledAt: createdAt },
    teams: [{ id: teamId, name: 'Platform', allowedModels: ['chat'] }],
    apps: [{ id: appId, teamId, name: 'Search', allowedModels: null }],
    resources: [resource(resourceA, 'east'), resource(resourceB, 'west')],
    quotas: [quota],
    deployments: [deployment(one, 'one', resourceA, quotaId), deployment(two, 'two', resourceB, null)],
    aliases: [{ id: aliasId, name: 'chat', createdAt }],
    routes: [
      { id: newId('rte'), aliasId, tiers: [[{ deploymentId: one }], [{ deploymentId: two }]], createdAt },
    ],
    prices: [{ ...price, ...rest, lines }],
  })
}

function policyWith(changes: Partial<Policy>): Policy {
  const id = newId('pol')
  return Policy.parse({ ...NewPolicy.parse({ name: 'P', ownerId: null }), id, createdAt, ...changes })
}

/** The kinds of fault a change to the sample brings. */
function faultsAfter(change: (it: CatalogDocument) => void): string[] {
  const document = structuredClone(sample())
  change(document)
  return catalogFaults(document).map((fault) => `${fault.kind}: ${fault.message}`)
}

describe('the faults of a catalog', () => {
  test('a whole one has none', () => {
    expect(catalogFaults(sample())).toEqual([])
  })

  const cases: [string, string, (it: CatalogDocument) => void][] = [
    ['app "Search" belongs to no team', 'an app without its team', (it) => it.teams.splice(0)],
    ['has no resource', 'a deployment without its resource', (it) => it.resources.splice(1, 1)],
    [
      'quota of another resource',
      'a quota of elsewhere',
      (it) => {
        it.quotas[0]!.resourceId = it.resources[1]!.id
      },
    ],
    ['quota of another resource', 'a quota that is gone', (it) => it.quotas.splice(0)],
    ['alias that does not exist', 'a route without its alias', (it) => it.aliases.splice(0)],
    ['leads to no deployment', 'a route to nowhere', (it) => it.deployments.splice(1, 1)],
    [
      'already has a route',
      'two routes of one alias',
      (it) => it.routes.push({ ...it.routes[0]!, id: newId('rte') }),
    ],
    [
      'two alias[a-z]* are named "chat"',
      'two aliases of one name',
      (it) => it.aliases.push({ ...it.aliases[0]!, id: newId('ali') }),
    ],
    [
      'policy "P" speaks of "gone"',
      'a policy on a model that is not there',
      (it) => it.policies.push(policyWith({ deniedModels: ['chat', 'gone'] })),
    ],
    [
      'policy "P" speaks of "res_0',
      'a policy on a resource that is not there',
      (it) => it.policies.push(policyWith({ allowedResources: [`res_${'0'.repeat(26)}`] })),
    ],
    [
      'policy "P" speaks of "team_0',
      'a policy of a team that is not there',
      (it) => it.policies.push(policyWith({ ownerId: `team_${'0'.repeat(26)}` })),
    ],
    [
      'two deployments are named "one"',
      'two deployments of one name',
      (it) => {
        it.deployments[1]!.name = 'one'
      },
    ],
    [
      'two resources are named "east"',
      'two resources of one name',
      (it) => {
        it.resources[1]!.name = 'east'
      },
    ],
    [
      'two teams are named "Platform"',
      'two teams of one name',
      (it) => it.teams.push({ ...it.teams[0]!, id: newId('team') }),
    ],
  ]
  test.each(cases)('"%s" tells of %s', (message, _what, change) => {
    expect(faultsAfter(change).join('\n')).toMatch(new RegExp(message))
  })

  test('all are told at once, each with the thing at fault', () => {
    const faults = faultsAfter((it) => {
      it.teams.splice(0)
      it.resources.splice(0)
    })
    expect(faults.length).toBeGreaterThanOrEqual(3)
  })
})

const chooser = { random: Math.random, loadOf: () => ({ inFlight: 0, latencyMs: 0 }), stickTo: () => '' }

describe('an opened catalog', () => {
  test('leads from an alias to deployments with all that a call needs', () => {
    const catalog = openCatalog(sample())
    const alias = catalog.alias('chat')!
    const candidates = candidatesOf(alias, chooser)
    expect(candidates.map((it) => [it.name, it.resource.name])).toEqual([
      ['one', 'east'],
      ['two', 'west'],
    ])
    expect(priceOf(candidates[0]!, Date.parse(createdAt))?.currency).toBe('USD')
    expect(priceOf(candidates[0]!, Date.parse(createdAt) - 1)).toBeNull()
    expect(catalog.version).toBe(3)
  })

  test('charges the latest price that has begun, in whatever order and time zone they are written', () => {
    const seconds = fc.integer({ min: 1_600_000_000, max: 1_900_000_000 })
    fc.assert(
      fc.property(fc.uniqueArray(seconds, { maxLength: 8 }), seconds, (starts, nowSeconds) => {
        const document = sample()
        const [price] = document.prices
        const at = (start: number) => new Date(start * 1000).toISOString()
        document.prices = starts.map((start) => ({ ...price!, id: newId('pri'), effectiveFrom: at(start) }))
        const [first] = candidatesOf(openCatalog(document).alias('chat')!, chooser)
        const found = priceOf(first!, nowSeconds * 1000)?.price
        const begun = starts.filter((it) => it <= nowSeconds)
        expect(found ? Date.parse(found.effectiveFrom) / 1000 : null).toBe(
          begun.length ? Math.max(...begun) : null,
        )
      }),
    )
    const document = sample()
    document.prices = [{ ...document.prices[0]!, effectiveFrom: '2026-06-01T01:00:00+02:00' }]
    const [first] = candidatesOf(openCatalog(document).alias('chat')!, chooser)
    expect(priceOf(first!, Date.parse('2026-05-31T23:00:00Z'))).not.toBeNull()
    expect(priceOf(first!, Date.parse('2026-05-31T22:59:59Z'))).toBeNull()
  })

  test('does not offer an alias that leads nowhere, nor names of the language', () => {
    const document = sample()
    document.routes = []
    const catalog = openCatalog(document)
    expect(catalog.aliases).toEqual([])
    for (const name of ['chat', 'constructor', '__proto__', '']) expect(catalog.alias(name)).toBeUndefined()
  })

  test('gives one standing to all keys of an app that have no rules of their own', () => {
    const document = { ...sample(), policies: [policyWith({ deniedModels: ['chat'] })] }
    const catalog = openCatalog(document)
    const keyOf = (id: string) => ({ id, appId: document.apps[0]!.id, allowedModels: null }) as never
    expect(catalog.standing(keyOf('key_1'))).toBe(catalog.standing(keyOf('key_2')))
    expect(catalog.standing(keyOf('key_1')).enforced?.models.denies).toHaveLength(1)
  })

  test('opens documents from before there were policies', () => {
    const { policies: _, ...older } = sample()
    expect(CatalogDocument.parse(older).policies).toEqual([])
  })

  test('does not open with a dangling reference', () => {
    const document = sample()
    document.deployments.pop()
    expect(() => openCatalog(document)).toThrow('does not hold')
  })

  test('an older form of document is refused by its shape', () => {
    expect(CatalogDocument.safeParse({ ...sample(), format: 0 }).success).toBe(false)
    expect(CatalogDocument.safeParse({ ...sample(), version: 0 }).success).toBe(false)
  })
})

/** As many aliases as given, each with a route to a deployment of its own and a model entry for what that runs. */
function wide(count: number): CatalogDocument {
  const document = sample()
  const [deployment, alias, route] = [document.deployments[0]!, document.aliases[0]!, document.routes[0]!]
  const all = <T>(of: (n: number) => T) => Array.from({ length: count }, (_, n) => of(n))
  const deployments = all((n) => ({ ...deployment, id: newId('dep'), name: `d${n}`, pricedAs: `model-${n}` }))
  const aliases = all((n) => ({ ...alias, id: newId('ali'), name: `a${n}` }))
  const routes = all((n) => {
    const tiers = [[{ deploymentId: deployments[n]!.id }]]
    const rule = {
      name: 'chat',
      when: RouteCondition.parse({ endpoints: ['chat.completions'] }),
      tiers,
      choice: 'weighted',
    }
    return { ...route, id: newId('rte'), aliasId: aliases[n]!.id, rules: [rule], tiers }
  })
  const entries = all((n) => ({
    ...NewModelEntry.parse({ name: `model-${n}` }),
    id: newId('mdl'),
    createdAt,
  }))
  return CatalogDocument.parse({
    ...document,
    ...{ deployments, aliases, routes, modelEntries: entries, policies: [], teams: document.teams },
  })
}

test('the work of checking a catalog, of warning and of opening grows with its routes, not with their square', () => {
  const leastMs = (work: () => void) =>
    Math.min(
      ...[0, 1, 2, 3, 4].map(() => {
        const sinceMs = performance.now()
        work()
        return performance.now() - sinceMs
      }),
    )
  const [few, many] = [wide(400), wide(6400)] as const
  expect(catalogFaults(many).filter((it) => it.kind === 'route')).toEqual([])
  // Sixteen times the routes are 256 times the work where each is held against each; other load doubles what is left.
  for (const work of [catalogFaults, catalogWarnings, openCatalog]) {
    expect(leastMs(() => work(many)) / leastMs(() => work(few)), work.name).toBeLessThan(128)
  }
})
