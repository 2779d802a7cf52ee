/** An overrun is foretold once a period, not too early, and is no event where the money lasts. */
import { idSource } from '@headgate/domain/id'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migratedDatabase, until } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import { readOutbox } from '../database/outbox.ts'
import { foretellOnce } from './foretell-overruns.ts'
import { usageStore } from './store-usage.ts'

const newId = idSource()
const teamId = newId('team', 0)
const createdAt = '2026-01-01T00:00:00.000Z'
const log = () => {}

let database: OpenDatabase
beforeAll(async () => {
  const { url } = await migratedDatabase()
  database = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 6, log })
  await database.db
    .insertInto('teams')
    .values({ id: teamId, name: 'Payments', allowedModels: null, createdAt })
    .execute()
})
afterAll(() => database.close())

async function budget(name: string, amountNanos: number): Promise<string> {
  const id = newId('bud', 0)
  const it = { id, teamId, ownerId: teamId, name, currency: 'USD', amountNanos, timeZone: 'UTC', createdAt }
  const json = { period: JSON.stringify({ kind: 'month' }), steps: '[]' }
  await database.db
    .insertInto('budgets')
    .values({ ...it, ...json, archivedAt: null })
    .execute()
  return id
}

/** As if it were this instant, in two processes at once. */
async function foretellAt(instant: string): Promise<void> {
  const plan = { db: database.db, clock: { nowMs: () => Date.parse(instant) } }
  await Promise.all([foretellOnce(plan), foretellOnce(plan)])
}

const told = () =>
  database.db
    .selectFrom('budgetEvents')
    .select(['budgetId', 'kind', 'atPercent', 'spentNanos', 'forecastNanos', 'periodFrom'])
    .where('kind', '=', 'forecast')
    .orderBy('periodFrom')
    .execute()

test('a budget that will be overrun is told of once, from a tenth of its period on, and again in the next one', async () => {
  const overrun = await budget('overrun', 1_000)
  await budget('lasting', 100_000)
  await budget('spent', 100)
  const store = usageStore(database.db)
  await store.store([usageRecord(1, { teamId, costNanos: 300, startedAt: '2026-11-02T00:00:00.000Z' })])
  await foretellAt('2026-11-03T23:59:59.000Z')
  expect(await told()).toEqual([])
  await foretellAt('2026-11-04T00:00:00.000Z')
  await foretellAt('2026-11-05T00:00:00.000Z')
  const first = {
    ...{ budgetId: overrun, kind: 'forecast', atPercent: 100, spentNanos: 300, forecastNanos: 3_000 },
    periodFrom: '2026-11-01T00:00:00.000Z',
  }
  expect(await told()).toEqual([first])
  await foretellAt('2026-11-30T00:00:00.000Z')
  await store.store([usageRecord(2, { teamId, costNanos: 500, startedAt: '2026-12-02T00:00:00.000Z' })])
  await foretellAt('2026-12-11T00:00:00.000Z')
  expect((await told()).map((it) => [it.periodFrom, it.forecastNanos])).toEqual([
    ['2026-11-01T00:00:00.000Z', 3_000],
    ['2026-12-01T00:00:00.000Z', 1_550],
  ])
})

/** Readers wait for the oldest transaction of the whole server, and tests beside these have theirs. */
const untilVisible = () =>
  until(async () => {
    const { rows } = await sql<{ hidden: number }>`select count(*) as hidden from outbox_events
      where xact >= pg_snapshot_xmin(pg_current_snapshot())`.execute(database.db)
    return Number(rows[0]?.hidden) === 0
  }, 'earlier transactions to end')

test('readers of the outbox each see every event once, in order, and one whose work fails sees it again', async () => {
  const { db } = database
  await sql`insert into outbox_cursors (reader, xact, number) values ('another', '0', 0)`.execute(db)
  const seen: string[] = []
  const take = async (events: readonly { type: string }[]) => {
    seen.push(...events.map((it) => it.type))
  }
  const failing = () => Promise.reject(new Error('away'))
  await untilVisible()
  await expect(readOutbox(db, 'another', { countMax: 100, take: failing })).rejects.toThrow('away')
  while ((await readOutbox(db, 'another', { countMax: 1, take })) > 0) {}
  const expected = await db
    .selectFrom('outboxEvents')
    .select('type')
    .orderBy('xact')
    .orderBy('number')
    .execute()
  expect(seen).toEqual(expected.map((it) => it.type))
  expect(seen.filter((it) => it === 'budget.forecast').length).toBe(2)
  expect(await readOutbox(db, 'alerts', { countMax: 1, take })).toBe(1)
})

test('an event of a transaction that ends late is not passed over by those that began after it', async () => {
  const { db } = database
  const read: string[] = []
  const take = async (events: readonly { id: string }[]) => {
    read.push(...events.map((it) => it.id))
  }
  const drain = async () => {
    while ((await readOutbox(db, 'another', { countMax: 10, take })) > 0) {}
  }
  await untilVisible()
  await drain()
  read.length = 0
  const write = (id: string, on = db) =>
    on.insertInto('outboxEvents').values({ id, type: 'alert.test', at: createdAt, data: '{}' }).execute()
  const [late, early] = [newId('evt', 0), newId('evt', 1)]
  await db.transaction().execute(async (slow) => {
    await write(late, slow)
    await write(early)
    await drain()
    expect(read).toEqual([])
  })
  await untilVisible()
  await drain()
  expect(read).toEqual([late, early])
})
