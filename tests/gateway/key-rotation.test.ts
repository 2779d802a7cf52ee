/**
 * Keys as callers meet them: two gateways on one Redis, the control plane on the same, official requests. What
 * is revoked or ended is refused everywhere within two seconds, though gateways are told of nothing: they ask.
 */
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, systemClock, type TestPlane, until } from '../admin/harness.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { startGateway, type TestGateway } from './harness.ts'

let plane: TestPlane
let gateways: TestGateway[]
let appId: string
let close: () => Promise<void>
beforeAll(async () => {
  const redisUrl = await freshRedisUrl()
  const client = await connectRedis(redisUrl, { log: () => {} })
  const directory = redisKeyDirectory(client, { log: () => {}, clock: systemClock })
  plane = await startTestPlane({ ports: { keyPublisher: directory as never } })
  gateways = await Promise.all([startGateway({ redisUrl }), startGateway({ redisUrl })])
  const team = await plane.client.teams.create({ body: { name: 'Rotated' } })
  appId = (await plane.client.apps.create({ body: { teamId: team.id, name: 'app' } })).id
  // A key of an app that the catalog does not know may use nothing.
  await gateways[0]!.publish((document) => ({
    ...document,
    teams: [...document.teams, { id: team.id, name: team.name, allowedModels: null }],
    apps: [...document.apps, { id: appId, teamId: team.id, name: 'app', allowedModels: null }],
  }))
  close = async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()))
    await plane.stop()
    directory.close()
    await client.close()
  }
})
afterAll(() => close())

type Call = { status: number; code: string | null; headers: Headers }

async function callWith(gateway: TestGateway, secret: string, client = 'test-client/1'): Promise<Call> {
  const answer = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${secret}`,
      'content-type': 'application/json',
      'user-agent': client,
    },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] }),
  })
  const body = (await answer.json()) as { error?: { code?: string } }
  return { status: answer.status, code: body.error?.code ?? null, headers: answer.headers }
}

const everywhere = (secret: string) => Promise.all(gateways.map((gateway) => callWith(gateway, secret)))
const codes = async (secret: string) => (await everywhere(secret)).map((call) => call.code)

/** All gateways answer so within two seconds of now, each asked as fast as it answers. */
async function withinTwoSeconds(secret: string, code: string): Promise<void> {
  const startedMs = performance.now()
  await until(async () => (await codes(secret)).every((one) => one === code), `${code} at every gateway`)
  expect(performance.now() - startedMs).toBeLessThan(2_000)
}

test('a key in use at two gateways is refused by both within two seconds of its revocation', async () => {
  const key = await plane.client.keys.create({ body: { appId, name: 'to revoke' } })
  await until(
    async () => (await codes(key.secret)).every((code) => code === null),
    'both to have the catalog',
  )
  await plane.client.keys.revoke({ params: { keyId: key.id } })
  await withinTwoSeconds(key.secret, 'key_revoked')
})

test('during a grace both secrets work, count as one key, say so, and are told apart by client', async () => {
  const key = await plane.client.keys.create({
    body: { appId, name: 'to rotate', requestsPerMinute: 2_000 },
  })
  const params = { keyId: key.id }
  expect((await everywhere(key.secret)).map((call) => call.headers.get('x-headgate-key-state'))).toEqual([
    null,
    null,
  ])
  const { secret, endsAt } = await plane.client.keyRotations.create({ params, body: { graceMinutes: 60 } })
  await until(
    async () =>
      (await everywhere(key.secret)).every((call) => call.headers.get('x-headgate-key-state') !== null),
    'both gateways to hear of the rotation',
  )
  const [old] = await everywhere(key.secret)
  expect(old!.headers.get('x-headgate-key-state')).toBe(`old-secret; until=${endsAt}`)
  const [first] = gateways as [TestGateway, ...TestGateway[]]
  const before = Number((await callWith(first, key.secret)).headers.get('x-ratelimit-remaining-requests'))
  for (let n = 0; n < 10; n++) await callWith(first, secret, 'new-client/2')
  const after = Number((await callWith(first, key.secret)).headers.get('x-ratelimit-remaining-requests'))
  expect(before - after).toBeGreaterThan(0)
  const mine = first.records().filter((record) => record.keyId === key.id && record.secretNumber !== null)
  const used = new Set(mine.map((record) => `${record.secretNumber} ${record.client}`))
  expect(used).toEqual(new Set(['1 test-client/1', '2 new-client/2']))
  await plane.client.keyRotations.end({ params })
  await withinTwoSeconds(key.secret, 'key_expired')
  expect(await codes(secret)).toEqual([null, null])
})

test('a client that puts a key where its name belongs does not bring it into the records', async () => {
  const key = await plane.client.keys.create({ body: { appId, name: 'careless' } })
  const { secret } = await plane.client.keyRotations.create({ params: { keyId: key.id }, body: {} })
  const [first] = gateways as [TestGateway, ...TestGateway[]]
  await until(async () => (await callWith(first, secret, secret)).status === 200, 'the new secret')
  const mine = first.records().filter((record) => record.keyId === key.id)
  expect(mine.length).toBeGreaterThan(0)
  expect(JSON.stringify(mine)).not.toContain(secret)
})
