/** The live view: what stands in the database beside what the ledger holds at this moment. */
import { limitNodes } from '@headgate/domain/claim'
import { GatewayError } from '@headgate/domain/gateway-error'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoryPorts, startTestPlane, systemClock, type TestPlane } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { insertUsage } from '../../jobs/usage-rows.ts'
import { readChain } from './tree-queries.ts'

let it: TestPlane
let away = false
beforeAll(async () => {
  const ports = memoryPorts()
  const look = (...asked: Parameters<typeof ports.ledger.look>) =>
    away ? Promise.reject(new GatewayError('limiter_unavailable')) : ports.ledger.look(...asked)
  it = await startTestPlane({ ports: { ...ports, ledger: { ...ports.ledger, look } } })
})
afterAll(() => it.stop())

async function setUp(name: string) {
  const { client } = it
  const team = await client.teams.create({ body: { name } })
  const app = await client.apps.create({ body: { teamId: team.id, name: `${name}-app` } })
  const resource = await client.resources.create({
    body: {
      ...{ name: `res-${name}`, apiStyle: 'openai', origin: 'https://api.openai.com' },
      secretRef: 'env://OPENAI_API_KEY' as never,
    },
  })
  const quota = await client.quotas.create({
    body: { resourceId: resource.id, name: 'main', requestsPerMinute: null, tokensPerMinute: 10_000 },
  })
  const measure = 'tokens_per_minute' as const
  const ofTeam = await client.limits.create({
    body: { ownerId: team.id, parentId: quota.id, measure, share: 0.5 },
  })
  const ofApp = await client.limits.create({ body: { ownerId: app.id, parentId: ofTeam.id, share: 0.8 } })
  return { team, app, resource, quota, ofTeam, ofApp }
}

test('each node tells what is used, what of it is only held, and what is free', async () => {
  const { quota, ofTeam, ofApp, team } = await setUp('live')
  const nodes = limitNodes(await readChain(it.db, ofApp))
  const ask = { id: 'req_live', claims: nodes.map((node) => node.claim), tokens: 800, tokensAtLeast: 10 }
  await it.ports.ledger.reserve(ask)
  const held = await it.client.limits.tree({ query: { quotaId: quota.id } })
  expect(held.data.map((node) => [node.id, node.kind, node.parentId, node.figure])).toEqual([
    [`${quota.id}:tokens_per_minute`, 'quota', null, 10_000],
    [ofTeam.id, 'limit', `${quota.id}:tokens_per_minute`, 5_000],
    [ofApp.id, 'limit', ofTeam.id, 4_000],
  ])
  expect(held.data.map((node) => node.now?.reserved)).toEqual([800, 800, 800])
  expect(held.data[0]?.now).toMatchObject({ used: 800, free: 9_200 })
  expect(held.data[2]?.now?.used).toBeGreaterThan(700)
  it.ports.ledger.settle(ask, { sent: true, tokens: 300, quotaId: quota.id })
  const settled = await it.client.limits.tree({ query: { teamId: team.id } })
  expect(settled.data.map((node) => node.now?.reserved)).toEqual([0, 0, 0])
  expect(settled.data[0]?.now).toMatchObject({ used: 300, free: 9_700 })
})

test('shares beyond the whole are reported, refusals are counted by whose calls they were', async () => {
  const { quota, team, app, ofTeam } = await setUp('reports')
  const user = await it.client.users.create({ body: { teamId: team.id, name: 'Ada', email: null } })
  const share = { ownerId: user.id, parentId: ofTeam.id, share: 0.3, allowOversubscription: true }
  await it.client.limits.create({ body: share })
  const refused = { teamId: team.id, appId: app.id, userId: null, keyId: null, outcome: 'refused' } as const
  const startedAt = new Date(systemClock.nowMs() - 5_000).toISOString()
  for (const [i, errorCode] of ['limit_tokens', 'limit_requests', 'model_not_allowed'].entries())
    await insertUsage(it.db, [usageRecord(900 + i, { ...refused, errorCode, startedAt })])
  const tree = await it.client.limits.tree({ query: { quotaId: quota.id } })
  const ofOwner = (id: string) => tree.data.find((node) => node.ownerId === id)
  expect(ofOwner(team.id)).toMatchObject({ sharedOut: 1.1, oversubscribed: true, refusedLastMinute: 2 })
  expect(ofOwner(app.id)).toMatchObject({ sharedOut: 0, oversubscribed: false, refusedLastMinute: 2 })
  expect(ofOwner(user.id)).toMatchObject({ name: 'Ada', refusedLastMinute: 0, figure: 1_500 })
})

test('without the ledger the tree is shown all the same, and says that it does not know', async () => {
  const { quota } = await setUp('away')
  away = true
  const tree = await it.client.limits.tree({ query: { quotaId: quota.id } })
  away = false
  expect(tree.data).toHaveLength(3)
  expect(tree.data.map((node) => node.now)).toEqual([null, null, null])
})

test('a replay runs the calls of the last day through another figure', async () => {
  const { team, app, resource, quota, ofTeam } = await setUp('replay')
  const deployment = await it.client.deployments.create({
    body: { name: 'replayed', resourceId: resource.id, quotaId: quota.id, upstreamModel: 'gpt-4o' },
  })
  const nowMs = systemClock.nowMs()
  const call = { teamId: team.id, appId: app.id, outcome: 'succeeded', errorCode: null } as const
  const tokens = { input: 900, cachedInput: 0, output: 100, reasoning: 0 }
  const records = Array.from({ length: 20 }, (_, i) =>
    usageRecord(i, {
      ...{ ...call, attempt: 1, tokens, deploymentId: deployment.id },
      startedAt: new Date(nowMs - 3_600_000 + i * 1_000).toISOString(),
    }),
  )
  const elsewhere = records.map((it) => ({ ...it, attempt: 2, deploymentId: 'dep_other' }))
  await insertUsage(it.db, [...records, ...elsewhere])
  const replay = (query: object) => it.client.limits.replay({ params: { limitId: ofTeam.id }, query })
  const half = await replay({ amount: 2_500 })
  expect(half).toMatchObject({ calls: 20, units: 20_000, figure: 2_500, figureNow: 5_000, truncated: false })
  expect(half.wouldBeRefused).toBeGreaterThan(half.wouldBeRefusedNow)
  expect(half.firstRefusedAt).not.toBeNull()
  expect(await replay({ share: 1 })).toMatchObject({ figure: 10_000 })
  expect(await replay({})).toMatchObject({ figure: 5_000, figureNow: 5_000 })
  expect(await replay({ amount: 1_000_000 })).toMatchObject({ wouldBeRefused: 0, firstRefusedAt: null })
})
