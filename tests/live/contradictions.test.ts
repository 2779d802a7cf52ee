/** A catalog that contradicts itself is refused with the reason and never served, by whatever way it was written. */
import { AdminProblem } from '@headgate/admin-contract/problem'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LiveWorld, liveWorld } from './world.ts'

const none = (prefix: string) => `${prefix}_${'0'.repeat(26)}`

let it: LiveWorld
let ids: Ids
let db: pg.Client | undefined
beforeAll(async () => {
  it = await liveWorld()
  ids = await furnish()
  const client = new pg.Client(it.plane.databaseUrl)
  await client.connect()
  db = client
})
afterAll(async () => {
  await db?.end()
  await it[Symbol.asyncDispose]()
})

type Ids = Awaited<ReturnType<typeof furnish>>

async function furnish() {
  const { client, appId, teamId } = it
  const { data: aliases } = await client.modelAliases.list({ query: { q: 'steady' } })
  const { data: routes } = await client.routes.list({ query: { limit: 1, sort: 'created_at' } })
  const { data: resources } = await client.resources.list({ query: { limit: 1, sort: 'created_at' } })
  const alias = (name: string) => client.modelAliases.create({ body: { name } })
  const other = await client.resources.create({
    body: {
      name: 'other',
      apiStyle: 'openai',
      origin: 'https://api.openai.com',
      secretRef: 'env://X' as never,
    },
  })
  const quota = { resourceId: other.id, name: 'q', requestsPerMinute: 10, tokensPerMinute: null }
  const limit = { ownerId: teamId, measure: 'requests_per_minute' as const, amount: 100_000 }
  const ofTeam = await client.limits.create({ body: limit })
  const ofApp = { ownerId: appId, parentId: ofTeam.id, measure: limit.measure, share: 0.7 }
  return {
    ...{ aliasId: aliases[0]!.id, routeId: routes[0]!.id, resourceId: resources[0]!.id },
    ...{ bareId: (await alias('bare')).id, modelNameId: (await alias('gpt-4.1')).id },
    ...{ limitId: ofTeam.id, shareId: (await client.limits.create({ body: ofApp })).id },
    quotaId: (await client.quotas.create({ body: quota })).id,
    policyId: (
      await client.policies.create({ body: { name: 'p', ownerId: teamId, outputTokensMax: 10_000 } })
    ).id,
    otherAppId: (await client.apps.create({ body: { name: 'other', teamId } })).id,
  }
}

const tiersTo = (deploymentId: string, weight = 1) => [[{ deploymentId, weight }]]
const routeOf = (aliasId: string, deploymentId: string) =>
  it.client.routes.create({ body: { aliasId, tiers: tiersTo(deploymentId) } })
const rule = (name: string, when: object) => ({ name, when, tiers: tiersTo(it.deploymentIds[0]) })
const limit = (body: object) =>
  it.client.limits.create({ body: { measure: 'requests_per_minute', ...body } as never })
const resource = (body: object) =>
  it.client.resources.create({
    body: {
      name: 'in',
      apiStyle: 'openai',
      origin: 'https://api.openai.com',
      secretRef: 'env://X',
      ...body,
    } as never,
  })

/** Each contradicts something. */
const invalid: Readonly<Record<string, () => Promise<unknown>>> = {
  'an alias of a name there is': () => it.client.modelAliases.create({ body: { name: 'steady' } }),
  'an alias that is no name': () => it.client.modelAliases.create({ body: { name: 'a b' } }),
  'an alias that takes the name of a model for another': () => routeOf(ids.modelNameId, it.deploymentIds[0]),
  'a second route of an alias': () => routeOf(ids.aliasId, it.deploymentIds[0]),
  'a route of an alias there is not': () => routeOf(none('ali'), it.deploymentIds[0]),
  'a route to a deployment there is not': () => routeOf(ids.bareId, none('dep')),
  'a route without a target': () =>
    it.client.routes.create({ body: { aliasId: ids.bareId, tiers: [] as never } }),
  'a route with more tiers than are tried': () =>
    it.client.routes.create({
      body: {
        aliasId: ids.bareId,
        tiers: Array.from({ length: 5 }, () => tiersTo(it.deploymentIds[0])[0]) as never,
      },
    }),
  'a weight of nothing': () =>
    it.client.routes.create({ body: { aliasId: ids.bareId, tiers: tiersTo(it.deploymentIds[0], 0) } }),
  'a rule that can never be reached': () =>
    it.client.routes.change({
      params: { routeId: ids.routeId },
      body: { rules: [rule('all', {}), rule('some', { apps: [it.appId] })] as never },
    }),
  'two rules of a name': () =>
    it.client.routes.change({
      params: { routeId: ids.routeId },
      body: { rules: [rule('one', { apps: [it.appId] }), rule('one', { teams: [it.teamId] })] as never },
    }),
  'a rule for an app there is not': () =>
    it.client.routes.change({
      params: { routeId: ids.routeId },
      body: { rules: [rule('one', { apps: [none('app')] })] as never },
    }),
  'a deployment of a resource there is not': () =>
    it.client.deployments.create({ body: { name: 'x', resourceId: none('res'), upstreamModel: 'm' } }),
  'a deployment on a quota of elsewhere': () =>
    it.client.deployments.create({
      body: { name: 'x', resourceId: ids.resourceId, quotaId: ids.quotaId, upstreamModel: 'm' },
    }),
  'the removal of what a route leads to': () =>
    it.client.deployments.remove({ params: { deploymentId: it.deploymentIds[0] } }),
  'the removal of what deployments lie on': () =>
    it.client.resources.remove({ params: { resourceId: ids.resourceId } }),
  'a provider at an inner address': () => resource({ origin: 'http://169.254.169.254' }),
  'a provider of a name there is': () => resource({ name: 'other' }),
  'a secret in place of a reference': () => resource({ secretRef: `sk-${'a'.repeat(40)}` }),
  'a policy on a model there is not': () =>
    it.client.policies.create({ body: { name: 'x', ownerId: it.teamId, allowedModels: ['nowhere'] } }),
  'a policy of a team there is not': () =>
    it.client.policies.create({ body: { name: 'x', ownerId: none('team'), outputTokensMax: 1 } }),
  'more guaranteed than there is': () => limit({ ownerId: it.appId, parentId: ids.limitId, guarantee: 1.5 }),
  'more shares than the whole': () => limit({ ownerId: ids.otherAppId, parentId: ids.limitId, share: 0.4 }),
  'a part of a limit there is not': () => limit({ ownerId: it.appId, parentId: none('lim'), share: 0.4 }),
  'an app of a team there is not': () => it.client.apps.create({ body: { name: 'x', teamId: none('team') } }),
}

const published = () => it.plane.ports.catalogFeed.newerThan(0)

test.each(Object.entries(invalid))(
  '%s is refused with the reason and the fix, and never served',
  async (_, write) => {
    const before = await published()
    for (let n = 0; n < 2; n++) {
      const fault: unknown = await write().then(
        () => 'taken',
        (thrown: unknown) => thrown,
      )
      expect(fault).toBeInstanceOf(AdminProblem)
      const { faults, message } = fault as AdminProblem
      expect(message.length).toBeGreaterThan(10)
      expect(faults.map((one) => one.fix).join('').length).toBeGreaterThan(10)
    }
    expect(await published()).toEqual(before)
  },
)

type Edit = readonly [table: string, column: string, type: string, value: string, idOf: () => string]

const json = (value: unknown) => JSON.stringify(value)
const route = () => ids.routeId
const deployment = () => it.deploymentIds[0]

/** What somebody may write into Postgres; some of it Postgres refuses itself. */
const edits: readonly Edit[] = [
  ['routes', 'tiers', 'jsonb', json(tiersTo(none('dep'))), route],
  ['routes', 'tiers', 'jsonb', json([[{ deploymentId: 'x', weight: 0 }]]), route],
  ['routes', 'tiers', 'jsonb', '[]', route],
  ['routes', 'tiers', 'jsonb', '"none"', route],
  ['routes', 'rules', 'jsonb', '[{ "name": "x" }]', route],
  ['routes', 'alias_id', 'text', none('ali'), route],
  ['routes', 'choice', 'text', 'dice', route],
  ['deployments', 'resource_id', 'text', none('res'), deployment],
  ['deployments', 'name', 'text', '', deployment],
  ['model_aliases', 'name', 'text', 'steady', () => ids.bareId],
  ['model_aliases', 'name', 'text', 'a b', () => ids.bareId],
  ['resources', 'origin', 'text', 'no address', () => ids.resourceId],
  ['resources', 'secret_ref', 'text', 'sk-1', () => ids.resourceId],
  ['policies', 'allowed_models', 'text[]', '{nowhere}', () => ids.policyId],
  ['policies', 'allowed_resources', 'text[]', `{${none('res')}}`, () => ids.policyId],
  ['limits', 'share', 'float8', '7', () => ids.shareId],
  ['limits', 'parent_id', 'text', none('lim'), () => ids.shareId],
  ['quotas', 'requests_per_minute', 'int8', '0', () => ids.quotaId],
]

test.for(edits)(
  '%s whose %s is %s %s, written past the API, is not served, and the next change says so',
  async ([table, column, type, value, idOf]) => {
    const [id, client] = [idOf(), db as pg.Client]
    const its = [pg.escapeIdentifier(table), pg.escapeIdentifier(column)] as const
    const set = `update ${its[0]} set ${its[1]} = $1::${type} where id = $2`
    const before = await published()
    const { rows } = await client.query<{ was: string }>(
      `select ${its[1]}::text as was from ${its[0]} where id = $1`,
      [id],
    )
    expect(rows).toHaveLength(1)
    const taken = await client.query(set, [value, id]).then(
      (done) => done.rowCount === 1,
      (fault: Error & { code?: string }) => {
        // Refused by a constraint of the table, which is better still.
        expect(fault.code).toMatch(/^23/)
        return false
      },
    )
    if (!taken) return
    const next = it.client.modelAliases.create({ body: { name: 'after-the-fact' } })
    await expect(next).rejects.toMatchObject({ code: 'catalog_conflict' })
    expect(await published()).toEqual(before)
    await client.query(set, [rows[0]?.was, id])
  },
)

test('once it is put right, the next change is taken and served', async () => {
  await it.client.modelAliases.create({ body: { name: 'after-the-fact' } })
  const { version } = await it.client.catalog.read()
  await expect.poll(() => Promise.all(it.gateways.map(it.versionOf))).toEqual(it.gateways.map(() => version))
})
