/** Planes apart: a call served by one gateway, asked about at another, answered from Postgres through Redis. */
import { connectRedis } from '@headgate/adapters/redis/client'
import { openDatabase } from '@headgate/control-plane/database/open'
import { answerCallers } from '@headgate/control-plane/jobs/answer-callers'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { insertCorrections } from '@headgate/control-plane/resources/reratings/queries'
import { correctionsOf } from '@headgate/domain/rerating'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratedDatabase } from '../admin/harness.ts'
import { startGateway, type TestGateway } from '../gateway/harness.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'

const stopping = new AbortController()
let redisUrl: string
let first: TestGateway
let second: TestGateway
let database: ReturnType<typeof openDatabase>
let answering: Promise<unknown>

beforeAll(async () => {
  redisUrl = await freshRedisUrl()
  first = await startGateway({ redisUrl })
  second = await startGateway({ redisUrl })
  const { url } = await migratedDatabase()
  const log = () => {}
  database = openDatabase({ url, name: 'test', statementTimeoutMs: 10_000, connectionsMax: 4, log })
  // Two control planes: a question goes to one of them.
  answering = Promise.all(
    [first, second].map((it) =>
      answerCallers({ db: database.db, questions: it.callQuestions }).run(stopping.signal),
    ),
  )
})
afterAll(async () => {
  stopping.abort()
  await answering
  await Promise.all([first.stop(), second.stop()])
  await database.close()
})

const authorization = (key: string) => ({ authorization: `Bearer ${key}` })
const ask = (id: string, key: string) =>
  send(second.origin, { method: 'GET', path: `/v1/headgate/requests/${id}`, headers: authorization(key) })

test('a call is told of by every gateway once it is stored, to its own key alone', async () => {
  const { normal, limited } = first.keys
  const body = chatBody('failover-500', { max_tokens: 10 })
  const served = await send(first.origin, { headers: authorization(normal), body })
  const id = String(served.headers['x-request-id'])
  const before = await ask(id, normal)
  expect(before.status).toBe(404)
  await usageStore(database.db).store(first.records())
  const here = await send(first.origin, {
    ...{ method: 'GET', path: `/v1/headgate/requests/${id}`, headers: authorization(normal) },
  })
  const there = await ask(id, normal)
  expect([here.status, there.status]).toEqual([200, 200])
  expect(JSON.parse(there.body.toString())).toEqual(JSON.parse(here.body.toString()))
  expect(JSON.parse(there.body.toString()).cost.amount).toBe(served.headers['x-headgate-cost'])
  expect((await ask(id, limited)).status).toBe(404)
})

test('a call that was rated again is told with the cost of now', async () => {
  const { normal } = first.keys
  const served = await send(first.origin, { headers: authorization(normal), body: chatBody('gpt-4o') })
  const record = first.records().at(-1)!
  expect(record.requestId).toBe(served.headers['x-request-id'])
  await usageStore(database.db).store([record])
  const rerating = {
    id: 'rrt_1',
    fromAt: record.startedAt,
    toAt: '2100-01-01T00:00:00Z',
    records: 1,
    corrected: 1,
  }
  await database.db
    .insertInto('reratings')
    .values({
      ...{ ...rerating, newlyPriced: 0, stillUnknown: 0, reason: 'a contract', differences: '[]' },
      createdAt: record.startedAt,
    })
    .execute()
  const now = {
    costNanos: 777,
    currency: 'EUR',
    costState: 'priced',
    priceId: null,
    agreementId: null,
  } as const
  const soFar = record.costNanos === null ? [] : [{ currency: record.currency!, nanos: record.costNanos }]
  await insertCorrections(database.db, 'rrt_1', correctionsOf(record, soFar, now))
  const told = JSON.parse((await ask(record.requestId, normal)).body.toString())
  expect(told.cost).toMatchObject({ state: 'priced', nanos: 777, currency: 'EUR' })
})

test('many questions at once are each answered with their own call', async () => {
  const { normal, fewTokens, limited, twoModels } = first.keys
  const keys = [normal, limited, twoModels, fewTokens]
  const served = await Promise.all(
    keys.flatMap((key) =>
      [1, 2, 3].map(() =>
        send(first.origin, { headers: authorization(key), body: chatBody('gpt-4o', { max_tokens: 10 }) }),
      ),
    ),
  )
  await usageStore(database.db).store(first.records())
  const told = await Promise.all(
    served.map((it, i) => ask(String(it.headers['x-request-id']), keys[Math.floor(i / 3)] ?? '')),
  )
  for (const [i, reply] of told.entries())
    expect(JSON.parse(reply.body.toString()).id).toBe(served[i]?.headers['x-request-id'])
})

test('what is no question is passed over, and questions nobody takes do not pile up', async () => {
  const client = await connectRedis(redisUrl, { log: () => {} })
  await client.send('hg:calls:asked', ['RPUSH', 'hg:calls:asked', 'nonsense', '{"gateway":"x"}', '[]'])
  const id = `req_${'0'.repeat(26)}`
  expect((await ask(id, first.keys.normal)).status).toBe(404)
  // Of a year that no database reads: it must not spoil the questions that are asked together with it.
  expect((await ask(`req_${'Z'.repeat(26)}`, first.keys.normal)).status).toBe(404)
  const ttl = await client.send('hg:calls:asked', ['PTTL', 'hg:calls:asked'])
  expect(ttl === -2 || (Number(ttl) > 0 && Number(ttl) <= 10_000)).toBe(true)
  await client.close()
})
