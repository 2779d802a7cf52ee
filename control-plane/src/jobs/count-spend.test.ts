/** What is recorded is counted to budgets exactly once, and people are told of each part once, whatever repeats. */
import { memoryUsageStream } from '@headgate/adapters/memory/usage-stream'
import type { Budget } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migratedDatabase, until } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { type Database, type OpenDatabase, openDatabase } from '../database/open.ts'
import { drainBatch, drainUsage } from './drain-usage.ts'
import { startJobs } from './scheduler.ts'
import { usageStore } from './store-usage.ts'

const newId = idSource()
const id = (prefix: Parameters<typeof newId>[0]) => newId(prefix, 0)
const createdAt = '2026-01-01T00:00:00.000Z'
const teamId = id('team')
const appId = id('app')
const log = () => {}

let database: OpenDatabase
let db: Database
beforeAll(async () => {
  const { url } = await migratedDatabase()
  database = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 6, log })
  db = database.db
  await db
    .insertInto('teams')
    .values({ id: teamId, name: 'Payments', allowedModels: null, createdAt })
    .execute()
  const app = { id: appId, teamId, name: 'checkout', allowedModels: null, createdAt }
  await db.insertInto('apps').values(app).execute()
})
afterAll(() => database.close())
beforeEach(async () => {
  for (const table of ['usageRecords', 'budgetEvents', 'budgetSpend', 'budgets'] as const)
    await db.deleteFrom(table).execute()
})

async function budget(ownerId: string, changes: Partial<Budget> = {}): Promise<string> {
  const it: Budget = {
    ...{ id: id('bud'), teamId, ownerId, name: id('bud'), currency: 'USD', amountNanos: 1_000_000 },
    ...{ period: { kind: 'month' }, timeZone: 'UTC', steps: [], createdAt, archivedAt: null, ...changes },
  }
  const row = { ...it, period: JSON.stringify(it.period), steps: JSON.stringify(it.steps) }
  await db.insertInto('budgets').values(row).execute()
  return it.id
}

const record = (n: number, changes: Partial<UsageRecord> = {}) =>
  usageRecord(n, { teamId, appId, ...changes })

async function drain(records: readonly UsageRecord[]): Promise<void> {
  const batch = { records, confirm: async () => {} }
  await drainBatch({ db, log, usage: usageStore(db) }, batch, new AbortController().signal)
}

const spend = () =>
  db.selectFrom('budgetSpend').selectAll().orderBy('budgetId').orderBy('periodFrom').execute()
const events = () =>
  db.selectFrom('budgetEvents').selectAll().orderBy('periodFrom').orderBy('atPercent').execute()

test('a record counts to every budget of its owners in its currency, and to no other', async () => {
  const ofTeam = await budget(teamId)
  const ofApp = await budget(appId, { period: { kind: 'day' } })
  await budget(appId, { currency: 'EUR' })
  await budget(appId, { archivedAt: createdAt })
  await drain([record(1, { costNanos: 700 }), record(2, { costNanos: 33, appId: null })])
  expect((await spend()).map((it) => [it.budgetId, it.periodFrom, it.spentNanos])).toEqual(
    [
      [ofTeam, '2026-11-01T00:00:00.000Z', 733],
      [ofApp, '2026-11-01T00:00:00.000Z', 700],
    ].toSorted(),
  )
})

test('a record that comes again, alone or in another batch, counts once', async () => {
  await budget(teamId)
  const records = Array.from({ length: 20 }, (_, n) => record(n, { costNanos: 50 }))
  await drain([...records, ...records])
  await drain(records.toReversed())
  expect((await spend()).map((it) => it.spentNanos)).toEqual([1_000])
})

test('a late record counts in its own period', async () => {
  await budget(teamId, { timeZone: 'Europe/Berlin' })
  const startedAt = '2026-10-31T22:59:59.999Z'
  await drain([record(1, { costNanos: 5, startedAt }), record(2, { costNanos: 9 })])
  expect((await spend()).map((it) => [it.periodFrom, it.spentNanos])).toEqual([
    ['2026-09-30T22:00:00.000Z', 5],
    ['2026-10-31T23:00:00.000Z', 9],
  ])
})

test('a call without a price is told apart, never summed up as zero', async () => {
  await budget(teamId)
  const unknown = { costNanos: null, costState: 'unknown', currency: null, priceId: null } as const
  await drain([record(1, unknown), record(2, { costNanos: 4 })])
  expect(await spend()).toMatchObject([{ spentNanos: 4, unpricedCalls: 1 }])
})

test('80 and 100 percent and each step are told once for each period, though all of it comes twice', async () => {
  await budget(teamId, { amountNanos: 1_000, steps: [{ action: 'alert', atPercent: 150 }] })
  const records = Array.from({ length: 16 }, (_, n) => record(n, { costNanos: 100 }))
  for (const it of records.slice(0, 7)) await drain([it])
  expect(await events()).toEqual([])
  for (const it of records) await drain([it])
  await drain(records)
  expect((await events()).map((it) => [it.atPercent, it.spentNanos])).toEqual([
    [80, 800],
    [100, 1_000],
    [150, 1_500],
  ])
  await drain([record(99, { costNanos: 5_000, startedAt: '2026-12-01T00:00:00.000Z' })])
  expect((await events()).slice(3).map((it) => [it.atPercent, it.spentNanos])).toEqual([
    [80, 5_000],
    [100, 5_000],
    [150, 5_000],
  ])
})

test('a record that is refused counts nothing, and those beside it count', async () => {
  await budget(teamId)
  const poison = record(2, {
    costNanos: 1_000,
    tokens: { input: -1, cachedInput: 0, output: 0, reasoning: 0 },
  })
  await drain([record(1, { costNanos: 1 }), poison, record(3, { costNanos: 2 })])
  expect((await spend()).map((it) => it.spentNanos)).toEqual([3])
})

test('two drains at once, with records that come again and again, count each once and tell each part once', async () => {
  const ids = [await budget(teamId, { amountNanos: 1_000 }), await budget(appId, { amountNanos: 2_000 })]
  const source = memoryUsageStream({ redeliverAfterMs: 3 })
  const count = rounds(2) * 500
  for (let n = 0; n < count; n++) source.append(record(n, { costNanos: 10 }))
  const plan = { db, log, source }
  const jobs = startJobs([drainUsage(plan), drainUsage(plan), drainUsage(plan)], { locks: db, log })
  const stored = async () =>
    (
      await db
        .selectFrom('usageRecords')
        .select((it) => it.fn.countAll<number>().as('all'))
        .executeTakeFirstOrThrow()
    ).all
  await until(async () => (await stored()) === count, 'all records', count * 20)
  await jobs.stop()
  expect((await spend()).map((it) => it.spentNanos)).toEqual([count * 10, count * 10])
  const told = (await events()).map((it) => `${it.budgetId} ${it.atPercent}`)
  expect(told.toSorted()).toEqual(ids.flatMap((it) => [`${it} 100`, `${it} 80`]).toSorted())
})
