/** The plain things of the admin API: changed, removed, filtered and put in order, each in the same way. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

type Loose = {
  create(input: { body: unknown }): Promise<{ id: string }>
  read(input: { params: unknown }): Promise<Record<string, unknown>>
  change(input: { params: unknown; body: unknown }): Promise<Record<string, unknown>>
  remove(input: { params: unknown }): Promise<Record<string, unknown>>
}

/** One of each, in an order in which each refers only to those before it. */
async function world(name: string) {
  const { client } = it
  const team = await client.teams.create({ body: { name } })
  const app = await client.apps.create({ body: { teamId: team.id, name } })
  const user = await client.users.create({ body: { teamId: team.id, name } })
  const resource = await client.resources.create({
    body: { name, apiStyle: 'openai', origin: 'https://api.openai.com', secretRef: 'env://KEY' as never },
  })
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name, requestsPerMinute: 10, tokensPerMinute: null },
  })
  const deployment = await client.deployments.create({
    body: { name, resourceId: resource.id, quotaId: quota.id, upstreamModel: 'gpt-4o' },
  })
  const modelAlias = await client.modelAliases.create({ body: { name } })
  const route = await client.routes.create({
    body: { aliasId: modelAlias.id, tiers: [[{ deploymentId: deployment.id }]] },
  })
  const policy = await client.policies.create({ body: { name, ownerId: app.id } })
  return { team, app, user, resource, quota, deployment, modelAlias, route, policy }
}
type World = Awaited<ReturnType<typeof world>>

const words: [keyof World, word: string, param: string, change: (it: World) => object][] = [
  ['team', 'teams', 'teamId', () => ({ name: 'another team', allowedModels: ['a'] })],
  ['app', 'apps', 'appId', () => ({ name: 'another app' })],
  ['user', 'users', 'userId', () => ({ email: 'ada@example.com' })],
  ['resource', 'resources', 'resourceId', () => ({ apiStyle: 'azure-dated', apiVersion: '2024-10-21' })],
  ['quota', 'quotas', 'quotaId', () => ({ tokensPerMinute: 1000 })],
  ['deployment', 'deployments', 'deploymentId', () => ({ quotaId: null, pricedAs: 'gpt-4o-2024' })],
  ['modelAlias', 'model-aliases', 'aliasId', () => ({ name: 'another-alias' })],
  ['route', 'routes', 'routeId', (all) => ({ tiers: [[{ deploymentId: all.deployment.id, weight: 7 }]] })],
  ['policy', 'policies', 'policyId', () => ({ mode: 'shadow', deniedModels: [] })],
]
const clientOf = (word: string): Loose =>
  it.client[word.replace(/-(.)/g, (_, c: string) => c.toUpperCase()) as 'teams'] as unknown as Loose
const actionsOf = async (subjectId: string) =>
  (await it.client.auditEvents.list({ query: { subjectId, result: 'done' } })).data.map(
    (event) => event.action.split('.')[1],
  )

test.each(words)(
  'a %s is changed where asked, once, and each change is audited with before and after',
  async (thing, word, param, change) => {
    const all = await world(`change-${word}`)
    const params = { [param]: all[thing].id }
    const before = await clientOf(word).read({ params })
    const after = await clientOf(word).change({ params, body: change(all) })
    expect(after).toEqual({ ...before, ...change(all) })
    expect(await clientOf(word).read({ params })).toEqual(after)
    expect(await clientOf(word).change({ params, body: change(all) })).toEqual(after)
    expect(await clientOf(word).change({ params, body: {} })).toEqual(after)
    expect(await actionsOf(all[thing].id)).toEqual(['changed', 'created'])
    const [event] = (await it.client.auditEvents.list({ query: { subjectId: all[thing].id } })).data
    expect(event).toMatchObject({ before, after })
  },
)

test('what others refer to is not removed, and the refusal names them', async () => {
  const all = await world('referred')
  const refused: [keyof World, string][] = [
    ['team', 'still refer'],
    ['app', 'policy "referred" speaks of'],
    ['resource', 'still refer'],
    ['quota', 'deployments still refer'],
    ['deployment', 'leads to no deployment'],
    ['modelAlias', 'routes still refer'],
  ]
  for (const [thing, sentence] of refused) {
    const [, word, param] = words.find(([one]) => one === thing)!
    const removal = clientOf(word).remove({ params: { [param]: all[thing].id } })
    await expect(removal).rejects.toMatchObject({ status: 409, message: expect.stringContaining(sentence) })
    expect(await actionsOf(all[thing].id)).toEqual(['created'])
  }
})

test('all can be removed from its leaves to its roots; it is archived as it was and its name is free', async () => {
  const all = await world('removed')
  for (const [thing, word, param] of [...words].reverse()) {
    const params = { [param]: all[thing].id }
    expect(await clientOf(word).remove({ params })).toEqual(all[thing])
    await expect(clientOf(word).read({ params })).rejects.toMatchObject({ status: 404 })
    await expect(clientOf(word).remove({ params })).rejects.toMatchObject({ status: 404 })
    expect(await actionsOf(all[thing].id)).toEqual(['removed', 'created'])
    const archived = await it.client.archivedThings.read({ params: { thingId: all[thing].id } })
    expect(archived).toMatchObject({ id: all[thing].id, archivedBy: 'admin-token', thing: all[thing] })
  }
  const teams = await it.client.archivedThings.list({ query: { kind: 'team', q: 'REMO' } })
  expect(teams.data.map((one) => one.name)).toEqual(['removed'])
  const again = await world('removed')
  expect(again.team.id).not.toBe(all.team.id)
})

test('lists are narrowed by their fields and by a part of the name, signs of patterns taken as they are', async () => {
  const team = await it.client.teams.create({ body: { name: 'Filters' } })
  for (const name of ['100% sure', '100 sure', 'A_b', 'Axb'])
    await it.client.apps.create({ body: { teamId: team.id, name } })
  const names = async (q: string) =>
    (await it.client.apps.list({ query: { teamId: team.id, q, sort: 'name' } })).data.map((app) => app.name)
  expect(await names('SURE')).toEqual(['100 sure', '100% sure'])
  expect(await names('0%')).toEqual(['100% sure'])
  expect(await names('a_b')).toEqual(['A_b'])
  expect(await names('\\')).toEqual([])
})

test('a list is walked whole in every order, equal names and empty expiries included', async () => {
  const team = await it.client.teams.create({ body: { name: 'Orders' } })
  const app = await it.client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const expiries = [null, '2090-01-01T00:00:00.123456Z', '2080-01-01T00:00:00Z', null, '2080-01-01T00:00:00Z']
  for (const [n, expiresAt] of expiries.entries())
    await it.client.keys.create({ body: { appId: app.id, name: `key ${n % 2} é`, expiresAt } })
  const orders = ['created_at', 'name', 'expires_at'] as const
  for (const sort of orders.flatMap((order) => [order, `-${order}`] as const)) {
    const seen: { id: string; name: string; expiresAt: string | null }[] = []
    for (let cursor: string | undefined; ; ) {
      const query = { appId: app.id, sort, limit: 2, ...(cursor === undefined ? {} : { cursor }) }
      const page = await it.client.keys.list({ query })
      seen.push(...page.data)
      if (page.page.nextCursor === null) break
      cursor = page.page.nextCursor
    }
    expect(new Set(seen.map((key) => key.id)).size).toBe(expiries.length)
    const place = (key: (typeof seen)[number]) =>
      sort.endsWith('name') ? key.name : sort.endsWith('expires_at') ? (key.expiresAt ?? '9999') : key.id
    const sorted = seen.map(place).sort()
    expect(seen.map(place)).toEqual(sort.startsWith('-') ? sorted.reverse() : sorted)
  }
  const first = await it.client.keys.list({ query: { appId: app.id, sort: 'name', limit: 1 } })
  const other = it.client.keys.list({ query: { sort: '-name', cursor: first.page.nextCursor! } })
  await expect(other).rejects.toMatchObject({ status: 400, faults: [{ pointer: '?cursor' }] })
  const soon = await it.client.keys.list({ query: { appId: app.id, expiresBefore: '2085-01-01T00:00:00Z' } })
  expect(soon.data).toHaveLength(2)
})

test('an order or a filter that a list does not have is refused with those it has', async () => {
  const order = await it.ask('GET', '/api/v1/teams?sort=size')
  expect([order.status, order.json.errors[0].pointer]).toEqual([400, '?sort'])
  expect(order.json.errors[0].message).toContain('"-created_at"')
  const filter = await it.ask('GET', '/api/v1/teams?colour=red')
  expect(filter.json.errors[0]).toMatchObject({
    pointer: '?colour',
    fix: expect.stringContaining('limit, cursor, sort, q'),
  })
})

test('what stays because something lasting is of it is not told to remove that first', async () => {
  const { client } = it
  const resource = await client.resources.create({
    body: {
      ...{ name: 'agreed', apiStyle: 'openai', origin: 'https://api.openai.com' },
      secretRef: 'env://OPENAI_API_KEY' as never,
    },
  })
  const effectiveFrom = new Date(Date.now() - 60_000).toISOString()
  await client.agreements.create({
    body: { resourceId: resource.id, multiplierMillionths: 900_000, effectiveFrom },
  })
  const team = await client.teams.create({ body: { name: 'with a budget' } })
  const budget = await client.budgets.create({
    body: {
      ...{ ownerId: team.id, name: 'ended', currency: 'EUR', amountNanos: 1 },
      period: { kind: 'day' },
    },
  })
  await client.budgets.remove({ params: { budgetId: budget.id } })
  const fixOf = (removed: Promise<unknown>) =>
    removed.then(
      () => null,
      ({ faults: [fault] }) => [fault.code, fault.message, fault.fix],
    )
  const [ofResource, ofTeam] = [
    await fixOf(client.resources.remove({ params: { resourceId: resource.id } })),
    await fixOf(client.teams.remove({ params: { teamId: team.id } })),
  ]
  expect(ofResource?.slice(0, 2)).toEqual(['in_use', 'agreements still refer to it'])
  expect(ofResource?.[2]).toMatch(/has come into force stays.* take its deployments out of every route/)
  expect(ofTeam?.slice(0, 2)).toEqual(['in_use', 'budgets still refer to it'])
  expect(ofTeam?.[2]).toMatch(/kept with its history.* revoke its keys/)
})
