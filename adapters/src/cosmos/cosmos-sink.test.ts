/** Against a fake that speaks the protocol of Cosmos DB: what is written is there once, and faults say what to do. */

import { CosmosClient } from '@azure/cosmos'
import { Secret } from '@headgate/domain/secret-ref'
import { SinkFault } from '@headgate/domain/sink'
import type { SinkEntry } from '@headgate/domain/sink-entry'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { type CosmosFake, type Fate, startCosmosFake } from '../../../tests/sinks/cosmos-fake.ts'
import { type CosmosPlan, cosmosSink } from './cosmos-sink.ts'

const KEY = Buffer.from('a key for the account of tests').toString('base64')
const never = new AbortController().signal

let fake: CosmosFake
beforeAll(async () => {
  fake = await startCosmosFake({ key: KEY, token: 'a-token-of-an-identity' })
})
afterAll(() => fake.close())
beforeEach(() => {
  fake.items.clear()
  fake.writes.clear()
  fake.batches.length = 0
  fake.authorizations.length = 0
  fake.fate = () => 'serve'
  fake.down = false
  fake.container = { partitionKey: { paths: ['/partition'], kind: 'Hash' }, defaultTtl: -1 }
})

function sink(changes: Partial<CosmosPlan> = {}) {
  const { endpoint, agent } = fake
  return cosmosSink({
    ...{ endpoint, agent, database: 'headgate', container: 'usage', from: null, ttlDays: null },
    ...{ keyRef: 'env://COSMOS_KEY' as never, secrets: { resolve: () => new Secret(KEY) } },
    ...changes,
  })
}

const entries = (count: number, changes: Parameters<typeof usageRecord>[1] = {}): SinkEntry[] =>
  Array.from({ length: count }, (_, n) => ({ kind: 'record', record: usageRecord(n, changes) }))

/** Fates one after the other, then all is served. */
const then = (...fates: Fate[]) => {
  fake.fate = () => fates.shift() ?? 'serve'
}

test('the official SDK reads what was written: an item for each record, by team and day', async () => {
  expect(await sink().write(entries(250), never)).toEqual([])
  expect(fake.items.size).toBe(250)
  expect(fake.batches.every(({ ids }) => ids.length <= 100)).toBe(true)
  const client = new CosmosClient({
    ...{ endpoint: fake.endpoint, key: KEY, agent: fake.agent },
    connectionPolicy: { enableEndpointDiscovery: false, enableBackgroundEndpointRefreshing: false },
  })
  const items = client.database('headgate').container('usage').items
  const { resources } = await items.query('select * from c', { partitionKey: 'team_1/2026-11-01' }).fetchAll()
  expect(resources).toHaveLength(125)
  expect(resources[0]).toMatchObject({
    ...{ id: `req_${'1'.padStart(26, '0')}-1`, team_id: 'team_1', day: '2026-11-01' },
    ...{ cost: '0.000001000', cost_nanos: '1000', currency: 'USD', type: 'usage_record' },
  })
  expect((await items.query('select * from c').fetchAll()).resources).toHaveLength(250)
  client.dispose()
})

test('what comes again is written over itself', async () => {
  await sink().write(entries(120), never)
  await sink().write(entries(150), never)
  expect(fake.items.size).toBe(150)
})

test('an item lives as long as the settings say', async () => {
  await sink({ ttlDays: 30 }).write(entries(1), never)
  expect([...fake.items.values()][0]).toMatchObject({ ttl: 30 * 86_400 })
  fake.container = { partitionKey: { paths: ['/partition'], kind: 'Hash' } }
  await expect(sink({ ttlDays: 30 }).write(entries(1), never)).rejects.toThrow('HEADGATE_COSMOS_TTL_DAYS')
})

test('when the service asks to wait, all requests wait that long, and then go on by themselves', async () => {
  const at: number[] = []
  let refusals = 3
  fake.fate = () => {
    at.push(performance.now())
    refusals -= 1
    return refusals >= 0 ? { status: 429, retryAfterMs: 300 } : 'serve'
  }
  expect(await sink().write(entries(400), never)).toEqual([])
  expect(fake.items.size).toBe(400)
  expect(at).toHaveLength(7)
  expect((at[4] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(290)
})

test('a service that takes little for long gets everything over several tries, none of it twice', async () => {
  const it = sink({ putOffMaxMs: 30 })
  let turn = 0
  fake.fate = () => {
    turn += 1
    return turn % 3 === 0 ? 'serve' : { status: 429, retryAfterMs: 20 }
  }
  const told: number[] = []
  for (let tries = 0; tries < 60; tries++) {
    const refused = await it.write(entries(1_000), never).catch((fault: SinkFault) => fault)
    if (!(refused instanceof SinkFault)) break
    expect(refused.message).toContain('no request units left')
    told.push(refused.retryAfterMs ?? 0)
  }
  expect(told.length).toBeGreaterThan(0)
  expect(new Set(told)).toEqual(new Set([20]))
  expect(fake.items.size).toBe(1_000)
  expect([...fake.writes.values()].filter((times) => times !== 1)).toEqual([])
})

test('a batch that one item holds up for want of throughput is sent again whole', async () => {
  const id = `req_${'7'.padStart(26, '0')}-1`
  let refusals = 1
  fake.fate = (ids) => {
    if (!ids.includes(id)) return 'serve'
    refusals -= 1
    return refusals >= 0 ? { status: 429, retryAfterMs: 20, onItem: id } : 'serve'
  }
  expect(await sink().write(entries(20), never)).toEqual([])
  expect([...fake.writes.values()]).toEqual(Array.from({ length: 20 }, () => 1))
})

test('what is too large for one request is halved, and what is too large by itself is given back', async () => {
  fake.fate = (ids) => (ids.length > 30 ? { status: 413 } : 'serve')
  expect(await sink().write(entries(100, { teamId: 'team_x' }), never)).toEqual([])
  expect(fake.items.size).toBe(100)
  const large = usageRecord(500, { alias: 'x'.repeat(2_100_000) })
  const refused = await sink().write([{ kind: 'record', record: large }, ...entries(3)], never)
  expect(refused).toEqual([{ id: `${large.requestId}-1`, reason: 'it is too large for Cosmos DB' }])
  expect(fake.items.has(`team_0/2026-11-01 ${large.requestId}-1`)).toBe(false)
})

test('an item that is refused is given back with its reason, whether it is named or not, and the others are written', async () => {
  const poison = `req_${'3'.padStart(26, '0')}-1`
  fake.fate = (ids) => (ids.includes(poison) ? { status: 400, onItem: poison } : 'serve')
  expect(await sink().write(entries(40), never)).toEqual([{ id: poison, reason: 'Cosmos DB answers 400' }])
  expect(fake.items.size).toBe(39)
  fake.items.clear()
  fake.fate = (ids) => (ids.includes(poison) ? { status: 400 } : 'serve')
  expect(await sink().write(entries(40), never)).toEqual([{ id: poison, reason: 'Cosmos DB answers 400' }])
  expect(fake.items.size).toBe(39)
  const slash = { kind: 'record', record: usageRecord(9, { requestId: 'a/b' }) } as const
  expect((await sink().write([slash], never)).map((it) => it.id)).toEqual(['a/b-1'])
})

test('when everything is refused it is the container that is at fault, and nothing is put aside', async () => {
  fake.fate = () => ({ status: 400 })
  await expect(sink().write(entries(30), never)).rejects.toThrow('all of 30 entries are refused')
})

test.each<[string, Fate]>([
  ['is not available', { status: 503 }],
  ['breaks the connection', 'cut'],
  ['breaks it after it has written', 'write-then-cut'],
])(
  'when the service %s, all come again, and what is written already is not sent twice by the same process',
  async (_, fate) => {
    const it = sink()
    let served = 0
    fake.fate = () => {
      served += 1
      return served === 2 ? fate : 'serve'
    }
    await expect(it.write(entries(400), never)).rejects.toThrow(SinkFault)
    then('serve')
    const sent = fake.batches.length
    expect(await it.write(entries(400), never)).toEqual([])
    expect(fake.items.size).toBe(400)
    expect(fake.batches.length - sent).toBeLessThan(5)
  },
)

test('a service that does not answer is left when the process stops', async () => {
  fake.fate = () => 'write-then-hang'
  const stopping = new AbortController()
  const writing = sink().write(entries(3), stopping.signal)
  setTimeout(() => stopping.abort(), 100)
  await expect(writing).rejects.toThrow(SinkFault)
})

test('the identity of the process is used where no key is named, and its token goes to the account alone', async () => {
  const scopes: unknown[] = []
  const credential = {
    getToken: async (scope: string | string[]) => {
      scopes.push(scope)
      return { token: 'a-token-of-an-identity', expiresOnTimestamp: Date.now() + 3_600_000 }
    },
  }
  await sink({ keyRef: null, credential }).write(entries(2), never)
  expect(fake.items.size).toBe(2)
  expect(scopes.flat()).toEqual(expect.arrayContaining([`${fake.endpoint}/.default`]))
  const none = {
    getToken: () =>
      Promise.reject(
        Object.assign(new Error('tried a-secret-thing'), { name: 'CredentialUnavailableError' }),
      ),
  }
  const fault = await sink({ keyRef: null, credential: none }).write(entries(1), never).catch(String)
  expect(fault).toContain('give the process an identity')
  expect(fault).not.toContain('a-secret-thing')
})

test('a key that was changed is taken up by the next write', async () => {
  let key = new Secret(Buffer.from('another').toString('base64'))
  const it = sink({ secrets: { resolve: () => key } })
  const fault = await it.write(entries(1), never).catch(String)
  expect(fault).toContain('HEADGATE_COSMOS_KEY')
  expect(fault).not.toContain('a-part-of-a-secret')
  key = new Secret(KEY)
  expect(await it.write(entries(1), never)).toEqual([])
})

test('a container that is not there or parts otherwise is told with what to do, before anything is written', async () => {
  fake.container = null
  await expect(sink().write(entries(1), never)).rejects.toThrow('docs/guides/sinks.md')
  fake.container = { partitionKey: { paths: ['/id'], kind: 'Hash' } }
  await expect(sink().write(entries(1), never)).rejects.toThrow(
    'create another one with the partition key path /partition',
  )
  expect(fake.batches).toEqual([])
  fake.down = true
  await expect(sink().write(entries(1), never)).rejects.toThrow('HEADGATE_COSMOS_ENDPOINT')
})
