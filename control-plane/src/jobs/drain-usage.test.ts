/** Usage records arrive once each, whatever repeats, refuses or restarts on the way. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryUsageStream } from '@headgate/adapters/memory/usage-stream'
import type { UsageSource } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migratedDatabase, until } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { startLocalPostgres } from '../database/local-server.ts'
import { migrate } from '../database/migrate.ts'
import { type Database, type OpenDatabase, openDatabase } from '../database/open.ts'
import { recordOf } from '../database/usage-row.ts'
import { drainBatch, drainUsage } from './drain-usage.ts'
import { startJobs } from './scheduler.ts'
import { type UsageStore, usageStore } from './store-usage.ts'

let database: OpenDatabase
let db: Database
let usage: UsageStore
const never = new AbortController().signal

beforeAll(async () => {
  database = open((await migratedDatabase()).url)
  db = database.db
  usage = usageStore(db)
})
afterAll(() => database.close())
beforeEach(async () => {
  await db.deleteFrom('usageRecords').execute()
  await db.deleteFrom('usageDeadLetters').execute()
})

function open(url: string): OpenDatabase {
  return openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 4, log: () => {} })
}

/** A batch that counts its confirmations. */
function batchOf(records: readonly unknown[]) {
  const batch = {
    records: records as UsageRecord[],
    confirmed: 0,
    confirm: async () => {
      batch.confirmed += 1
    },
  }
  return batch
}

const plan = (source: UsageSource = memoryUsageStream()) => ({ db, source, usage, log: () => {} })
const stored = async () =>
  (await db.selectFrom('usageRecords').selectAll().orderBy('requestId').orderBy('attempt').execute()).map(
    recordOf,
  )
const deadLetters = () => db.selectFrom('usageDeadLetters').selectAll().orderBy('id').execute()

test('a record comes out of the table as it went in, every field', async () => {
  const full = usageRecord(1)
  const empty = usageRecord(2, {
    attempt: 0,
    keyId: null,
    userId: null,
    appId: null,
    teamId: null,
    alias: null,
    deploymentId: null,
    resourceId: null,
    upstreamModel: null,
    errorCode: 'key_invalid',
    outcome: 'refused',
    status: 401,
    tokens: { input: 0, cachedInput: 0, output: 0, reasoning: 0 },
    usageDetails: null,
    usageSource: 'none',
    serviceTier: null,
    costNanos: null,
    costState: 'none',
    currency: null,
    priceId: null,
    agreementId: null,
    firstByteMs: null,
    catalogVersion: null,
    upstreamRequestId: null,
    shadowRefusal: null,
  })
  const large = usageRecord(3, { costNanos: Number.MAX_SAFE_INTEGER, alias: 'a"b\\c,{d}', stream: false })
  await drainBatch(plan(), batchOf([full, empty, large]), never)
  expect(await stored()).toEqual([full, empty, large])
})

test('repeats change nothing, within a batch and across batches, and are confirmed', async () => {
  const records = Array.from({ length: 50 }, (_, i) => usageRecord(i))
  const first = batchOf([...records, ...records])
  await drainBatch(plan(), first, never)
  const changed = records.map((record) => ({ ...record, status: 500 }))
  const second = batchOf(changed.reverse())
  await drainBatch(plan(), second, never)
  expect(await stored()).toEqual(records)
  expect([first.confirmed, second.confirmed]).toEqual([1, 1])
})

test('attempts of one call are records of their own', async () => {
  await drainBatch(plan(), batchOf([usageRecord(1, { attempt: 2 }), usageRecord(1, { attempt: 1 })]), never)
  expect((await stored()).map((record) => record.attempt)).toEqual([1, 2])
})

test('records that Postgres refuses are set aside, each once, and hold nobody up', async () => {
  const good = Array.from({ length: 97 }, (_, i) => usageRecord(i))
  const poison = [
    usageRecord(200, { tokens: { input: -1, cachedInput: 0, output: 0, reasoning: 0 } }),
    usageRecord(201, { alias: 'nul\u0000byte' }),
    usageRecord(202, { startedAt: 'not a time' as never }),
    { ...usageRecord(203), tokens: undefined },
    usageRecord(204, { outcome: 'exploded' as never }),
    { ...usageRecord(205), requestId: 'x'.repeat(10_000) + Math.random() },
    usageRecord(206, { costNanos: null }),
    { ...usageRecord(207), status: 1.5 },
    { ...usageRecord(208), requestId: null },
  ]
  const mixed = [...good.slice(0, 50), ...poison, ...good.slice(50)]
  const batch = batchOf(mixed)
  await drainBatch(plan(), batch, never)
  expect(await stored()).toEqual(good)
  const letters = await deadLetters()
  expect(letters).toHaveLength(poison.length)
  expect(letters.map((letter) => JSON.parse(letter.record).alias)).toContain('nul\u0000byte')
  expect(letters.every((letter) => letter.reason.length > 0)).toBe(true)
  expect(batch.confirmed).toBe(1)
  await drainBatch(plan(), batchOf(mixed), never)
  expect(await deadLetters()).toHaveLength(poison.length)
})

test('a batch is not confirmed before it is committed, nor when the process stops first', async () => {
  const away = openDatabase({
    url: 'postgres://nobody:nothing@127.0.0.1:1/none',
    name: 'test',
    statementTimeoutMs: 500,
    connectionsMax: 1,
    log: () => {},
  })
  const stopping = new AbortController()
  const batch = batchOf([usageRecord(1)])
  const draining = drainBatch({ ...plan(), db: away.db, usage: usageStore(away.db) }, batch, stopping.signal)
  await new Promise((resolve) => setTimeout(resolve, 300))
  stopping.abort()
  await draining
  expect(batch.confirmed).toBe(0)
  await away.close()
})

test('several drains at once neither deadlock nor double', async () => {
  const source = memoryUsageStream({ redeliverAfterMs: 5 })
  const records = Array.from({ length: 4_000 }, (_, i) => usageRecord(i))
  for (const record of records) source.append(record)
  const log = () => {}
  const jobs = startJobs(
    [1, 2, 3].map(() => drainUsage(plan(source))),
    { locks: db, log },
  )
  await until(async () => (await stored()).length === records.length, 'all records')
  await jobs.stop()
  expect(await deadLetters()).toEqual([])
})

test('a Postgres restarted in the middle loses nothing and doubles nothing', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'headgate-drain-'))
  let server = await startLocalPostgres({ dataDir })
  const own = open(server.url)
  try {
    await migrate(server.url, () => {})
    const source = memoryUsageStream({ redeliverAfterMs: 50 })
    const log = () => {}
    const jobs = startJobs([drainUsage({ db: own.db, source, log })], { locks: own.db, log })
    const count = async () => {
      const row = await own.db
        .selectFrom('usageRecords')
        .select((it) => it.fn.countAll<number>().as('count'))
        .executeTakeFirst()
      return row?.count ?? 0
    }
    for (let i = 0; i < 5_000; i++) source.append(usageRecord(i))
    await until(async () => (await count()) > 0, 'the first records')
    await server.stop()
    for (let i = 5_000; i < 6_000; i++) source.append(usageRecord(i))
    await new Promise((resolve) => setTimeout(resolve, 500))
    server = await startLocalPostgres({ dataDir })
    await until(async () => (await count().catch(() => 0)) === 6_000, 'all records after the restart')
    await jobs.stop()
    expect(await own.db.selectFrom('usageDeadLetters').selectAll().execute()).toEqual([])
  } finally {
    await own.close()
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}, 90_000)
