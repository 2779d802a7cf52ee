/** Records and rollups tell the same, whatever comes twice, fails half-way or comes at once; old ones go whole. */
import { noTokens } from '@headgate/domain/usage'
import type { UsageRecord } from '@headgate/domain/usage-record'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratedDatabase } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { binsOf } from '../database/bin-digits.ts'
import { type Database, type OpenDatabase, openDatabase } from '../database/open.ts'
import { type RollupTableName, rollupTables } from '../database/rollup-tables.ts'
import { checkDay } from './check-usage.ts'
import { keepOnce } from './keep-usage.ts'
import { rebuildDay } from './rebuild-usage.ts'
import { type UsageStore, usageStore } from './store-usage.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const now = Date.now()
const today = now - (now % DAY_MS)
const log = () => {}

let opened: OpenDatabase
let db: Database
let usage: UsageStore
beforeAll(async () => {
  const { url } = await migratedDatabase()
  opened = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 6, log })
  db = opened.db
  usage = usageStore(db)
})
afterAll(() => opened.close())

const sumTables = rollupTables.filter(({ holds }) => holds === 'sums')

let made = 0
/** A record like no other, some way into a day. */
function record(day: number, changes: Partial<UsageRecord> = {}): UsageRecord {
  made += 1
  const startedAt = new Date(today + day * DAY_MS + ((made * 7_919_000) % DAY_MS)).toISOString()
  return usageRecord(made, { startedAt, ...changes })
}

const dayOf = (day: number) => new Date(today + day * DAY_MS).toISOString().slice(0, 10)
const clock = { nowMs: () => now }
const check = (day: number) => checkDay({ db, log, clock }, dayOf(day))

async function sumsOf(table: RollupTableName, day: number) {
  const { rows } = await sql<Record<string, string>>`
    select sum(calls)::text as calls, sum(priced)::text as priced, sum(unpriced)::text as unpriced,
      sum(cost_nanos)::text as nanos
    from ${sql.table(table)} where at >= ${dayOf(day)}::date::timestamp at time zone 'UTC'
      and at < (${dayOf(day)}::date + 1)::timestamp at time zone 'UTC'`.execute(db)
  return rows[0] as Record<string, string>
}

/** How many values the bins of a day hold. */
async function countedIn(table: RollupTableName, column: 'total_bins' | 'first_byte_bins', day: number) {
  const { rows } = await sql<{ digits: string }>`select sum(${sql.ref(column)})::text as digits
    from ${sql.table(table)} where at >= ${dayOf(day)}::date::timestamp at time zone 'UTC'
      and at < (${dayOf(day)}::date + 1)::timestamp at time zone 'UTC'`.execute(db)
  return [...binsOf([rows[0]?.digits ?? '']).values()].reduce((a, b) => a + b, 0)
}

const anyChange: fc.Arbitrary<Partial<UsageRecord>> = fc.record({
  teamId: fc.constantFrom(null, 'team_a', 'team_b'),
  userId: fc.constantFrom(null, 'usr_"quoted\\"', 'usr_,{}'),
  alias: fc.constantFrom(null, 'gpt', 'null', 'NULL', ''),
  status: fc.constantFrom(200, 429, 500),
  outcome: fc.constantFrom('succeeded', 'refused', 'failed', 'aborted', 'truncated'),
  overheadMicros: fc.nat(10_000_000),
  firstByteMs: fc.option(fc.nat(100_000), { nil: null }),
  totalMs: fc.nat(4_000_000),
})
const anyMoney: fc.Arbitrary<Partial<UsageRecord>> = fc.oneof(
  fc
    .record({ costNanos: fc.nat(), currency: fc.constantFrom('USD', 'EUR') })
    .map((it) => ({ ...it, costState: 'priced' as const })),
  fc.constantFrom(
    { costNanos: null, currency: null, priceId: null, costState: 'unknown' as const },
    { costNanos: null, currency: null, priceId: null, costState: 'none' as const, tokens: noTokens },
  ),
)

test('all rollups of a day sum up to its records, whatever came twice and in whatever batches', async () => {
  const changes = fc.sample(
    fc.tuple(anyChange, anyMoney).map(([a, b]) => ({ ...a, ...b })),
    300,
  )
  const records = changes.map((change, i) => record(-(i % 2), change))
  await usage.store(records.slice(0, 100))
  const stored = await usage.store([...records.slice(50), ...records.slice(90, 250)])
  expect(new Set(stored)).toEqual(new Set(records.slice(100)))
  expect(stored).toHaveLength(200)
  expect(await usage.store(records.map((it) => ({ ...it, status: 599 })))).toEqual([])
  expect([await check(0), await check(-1)]).toEqual([[], []])
  const truth = records.filter((_, i) => i % 2 === 0)
  const timed = truth.filter((it) => it.firstByteMs !== null).length
  for (const { name, holds } of rollupTables) {
    if (holds === 'bins') {
      expect(await countedIn(name, 'total_bins', 0)).toBe(150)
      expect(await countedIn(name, 'first_byte_bins', 0)).toBe(timed)
      continue
    }
    const sums = await sumsOf(name, 0)
    expect(sums).toMatchObject({
      calls: '150',
      unpriced: String(truth.filter((it) => it.costState === 'unknown').length),
      nanos: String(truth.reduce((sum, it) => sum + BigInt(it.costNanos ?? 0), 0n)),
    })
  }
})

test('a batch that fails leaves nothing in the rollups either', async () => {
  const good = Array.from({ length: 20 }, () => record(-2))
  const poison = record(-2, { tokens: { ...noTokens, output: -1 } })
  await expect(usage.store([...good, poison])).rejects.toThrow()
  expect((await sumsOf('usageDays', -2))['calls']).toBeNull()
  await usage.store(good)
  expect(await check(-2)).toEqual([])
  await expect(usage.store([record(0, { startedAt: 'infinity' })])).rejects.toThrow(TypeError)
})

test('batches stored at once, by several processes, in any order, neither block in a circle nor lose a call', async () => {
  const stores = [usage, usageStore(db), usageStore(db)]
  const records = Array.from({ length: 600 }, (_, i) => record(-3, { keyId: `key_new_${i % 40}` }))
  const batches = stores.flatMap((store, s) =>
    [0, 1, 2, 3].map((b) => {
      const own = records.filter((_, i) => (i * 7 + s + b) % 3 !== 0)
      return store.store(s % 2 === 0 ? own : own.sort((x, y) => (x.requestId < y.requestId ? -1 : 1)))
    }),
  )
  const results = await Promise.allSettled(batches)
  for (const result of results) if (result.status === 'rejected') expect(result.reason.code).toBe('40P01')
  await usage.store(records)
  expect(await check(-3)).toEqual([])
  expect((await sumsOf('usageHours', -3))['calls']).toBe('600')
})

test('the check tells what a rollup tells wrong, by how much, and keeps it until the day is rebuilt', async () => {
  const records = Array.from({ length: 30 }, (_, i) =>
    record(-4, { costNanos: 10 ** i % 7, keyId: `key_${i % 5}` }),
  )
  await usage.store(records)
  const before = await dump(-4)
  await sql`update usage_owner_hours set cost_nanos = cost_nanos + 1
    where ctid = (select ctid from usage_owner_hours
      where at >= ${dayOf(-4)}::date and at < ${dayOf(-3)}::date order by at limit 1)`.execute(db)
  const drifts = await check(-4)
  expect(drifts).toMatchObject([{ table: 'usage_owner_hours', currency: 'USD', measure: 'costNanos' }])
  expect(BigInt(drifts[0]?.rollup ?? 0) - BigInt(drifts[0]?.records ?? 0)).toBe(1n)
  const kept = await db.selectFrom('usageChecks').selectAll().where('day', '=', dayOf(-4)).executeTakeFirst()
  expect(kept).toMatchObject({ calls: 30, drifts })
  await sql`insert into usage_rebuilds values (${dayOf(-4)}::date)`.execute(db)
  await rebuildDay({ db, log }, dayOf(-4))
  expect(await check(-4)).toEqual([])
  expect(await dump(-4)).toEqual(before)
  expect((await sql`select * from usage_rebuilds`.execute(db)).rows).toEqual([])
})

async function dump(day: number) {
  const from = dayOf(day)
  const tables = rollupTables.map(
    ({ name }) =>
      sql`select it::text as row from ${sql.table(name)} it where at >= ${from}::date and at < ${from}::date + 1 order by at, series_id`,
  )
  return Promise.all(
    tables.map(async (table) => (await table.execute(db)).rows.map((row) => JSON.stringify(row))),
  )
}

test('records of any date land, once, and a partition that comes later takes them over', async () => {
  const far = ['0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59Z']
  const records = far.map((startedAt) => record(0, { startedAt }))
  expect(await usage.store(records)).toHaveLength(3)
  expect(await usage.store(records)).toHaveLength(0)
  const soon = record(10)
  await usage.store([soon])
  const partitionOf = async (it: UsageRecord) => {
    const { rows } = await sql<{ name: string }>`select tableoid::regclass::text as name from usage_records
      where request_id = ${it.requestId}`.execute(db)
    return rows.map((row) => row.name)
  }
  expect(await partitionOf(soon)).toEqual(['usage_records_default'])
  await sql`select make_usage_partition('usage_records', ${soon.startedAt}::timestamptz)`.execute(db)
  expect(await partitionOf(soon)).toEqual([`usage_records_${dayOf(10).replaceAll('-', '')}`])
  expect(await usage.store([soon])).toEqual([])
  expect(await check(10)).toEqual([])
})

test('what is past its time goes, level by level, and the rest stays to the last call', async () => {
  const old = record(-40)
  const young = record(-5)
  await usage.store([old, young])
  await keepOnce({ db, log, clock, keptDays: { records: 30, minute: 4, hour: 400, day: 400 } })
  const calls = async (day: number) =>
    Promise.all(sumTables.map(async ({ name }) => (await sumsOf(name, day))['calls']))
  const kept = sumTables.map(({ level }) => (level === 'minute' ? null : '1'))
  expect(await calls(-40)).toEqual(kept)
  expect(await calls(-5)).toEqual(kept)
  expect(await calls(-4)).toEqual(kept.map(() => '30'))
  const left = await db
    .selectFrom('usageRecords')
    .select('requestId')
    .where('startedAt', '<', dayOf(-5))
    .execute()
  expect(left).toEqual([])
  // Nothing is compared with what is no longer whole.
  expect([await check(-40), await check(-5)]).toEqual([[], []])
})
