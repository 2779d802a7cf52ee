/** Simulations over the admin API: on the catalog in force, an earlier one and a draft, with and without load. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'
import { twoDeployments } from './provider.ts'

let it: TestPlane
const ids = { app: '', key: '', alias: '', route: '', mini: '', large: '', team: '' }
let versionBefore = 0
beforeAll(async () => {
  it = await startTestPlane()
  const { client } = it
  ids.team = (await client.teams.create({ body: { name: 'T' } })).id
  ids.app = (await client.apps.create({ body: { name: 'A', teamId: ids.team } })).id
  ids.key = (await client.keys.create({ body: { name: 'K', appId: ids.app, requestsPerMinute: 8 } })).id
  Object.assign(ids, await twoDeployments(client))
  ids.alias = (await client.modelAliases.create({ body: { name: 'chat' } })).id
  const tiers = [[{ deploymentId: ids.large }]]
  ids.route = (await client.routes.create({ body: { aliasId: ids.alias, tiers } })).id
  versionBefore = (await client.catalog.read()).version
  const rules = [
    {
      name: 'gold',
      when: { tags: [{ name: 'plan', values: ['gold'] }] },
      tiers: [[{ deploymentId: ids.mini }]],
    },
  ]
  await client.routes.change({ params: { routeId: ids.route }, body: { rules } })
})
afterAll(() => it.stop())

const gold = () => ({
  ...{ appId: ids.app, model: 'chat', inputTokens: 100 },
  tags: [{ name: 'plan', value: 'gold' }],
})
const run = (body: object) => it.client.simulations.run({ body: body as never })

test('several cases are answered in their order, each with its route, cost and verdict', async () => {
  const plain = { keyId: ids.key, model: 'chat', inputTokens: 100, name: 'plain' }
  const { data, version, load } = await run({ cases: [gold(), plain, { ...plain, model: 'nowhere' }] })
  expect({ version, load }).toEqual({ version: (await it.client.catalog.read()).version, load: 'now' })
  expect(data[0]).toMatchObject({
    verdict: { admitted: true, status: 200, code: null },
    routes: [{ model: 'chat', rule: 'gold', rules: [{ name: 'gold', missedBy: null }] }],
    deployments: [{ id: ids.mini, name: 'mini', costNanos: null, costState: 'unknown' }],
  })
  expect(data[1]).toMatchObject({
    name: 'plain',
    routes: [{ rule: null, rules: [{ name: 'gold', missedBy: 'tag' }] }],
    limits: [{ scope: { kind: 'key', name: 'K' }, unit: 'requests', limit: 8, asked: 1 }],
    deployments: [{ id: ids.large }],
  })
  expect(data[2]).toMatchObject({
    verdict: {
      admitted: false,
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining('nowhere'),
    },
    deployments: [],
  })
})

test('an earlier version answers as it did, and a draft as it would', async () => {
  const earlier = await run({ version: versionBefore, cases: [gold()] })
  expect(earlier.version).toBe(versionBefore)
  expect(earlier.data[0]?.deployments[0]?.id).toBe(ids.large)
  const body = { name: 'No chat', ownerId: null, deniedModels: ['chat'] }
  const draft = await it.client.drafts.create({
    body: {
      name: 'Deny',
      items: [
        { operation: 'policies.create', body: { name: 'No chat', ownerId: null, deniedModels: ['chat'] } },
      ],
    } as never,
  })
  const drafted = await run({ draftId: draft.id, cases: [gold()] })
  expect(drafted).toMatchObject({
    version: null,
    data: [
      {
        verdict: { admitted: false, status: 403, code: 'model_not_allowed' },
        policyRefusal: { level: 'organisation', policy: { name: body.name } },
      },
    ],
  })
  expect((await run({ cases: [gold()] })).data[0]?.verdict.admitted).toBe(true)
})

test('a simulation takes nothing, whatever it asks, and leaves no event', async () => {
  const events = async () => (await it.client.auditEvents.list({})).data[0]?.id
  const last = await events()
  const cases = Array.from({ length: 20 }, () => ({ keyId: ids.key, model: 'chat', inputTokens: 1 }))
  const { data } = await run({ cases })
  expect(new Set(data.map((one) => one.limits[0]?.remaining)).size).toBe(1)
  expect(data.every((one) => one.verdict.admitted)).toBe(true)
  expect(await events()).toBe(last)
  expect(it.ports.ledger.openCount()).toBe(0)
})

test('who or what is not there is told of with its place', async () => {
  const nobody = { keyId: `key_${'0'.repeat(26)}`, model: 'chat', inputTokens: 1 }
  await expect(run({ cases: [gold(), nobody] })).rejects.toMatchObject({
    status: 400,
    faults: [{ pointer: '/cases/1/key_id' }],
  })
  await expect(run({ cases: [{ model: 'chat', inputTokens: 1 }] })).rejects.toMatchObject({ status: 400 })
  await expect(run({ version: 999_999, cases: [gold()] })).rejects.toMatchObject({ status: 404 })
  await expect(run({ version: 1, draftId: `dft_${'0'.repeat(26)}`, cases: [gold()] })).rejects.toMatchObject({
    status: 400,
  })
})
