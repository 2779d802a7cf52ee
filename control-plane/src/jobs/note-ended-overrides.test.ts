/** When an override ends, people are told of what the lower amount reaches, once, though no call comes any more. */
import { idSource } from '@headgate/domain/id'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { migratedDatabase } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import { countSpend } from './count-spend.ts'
import { foretellOnce } from './foretell-overruns.ts'
import { noteEndedOnce } from './note-ended-overrides.ts'

const newId = idSource()
const teamId = newId('team', 0)
const createdAt = '2026-01-01T00:00:00.000Z'

let database: OpenDatabase
beforeAll(async () => {
  const { url } = await migratedDatabase()
  database = openDatabase({
    ...{ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 6, log: () => {} },
  })
  await database.db
    .insertInto('teams')
    .values({ id: teamId, name: 'Payments', allowedModels: null, createdAt })
    .execute()
})
afterAll(() => database.close())
beforeEach(async () => {
  for (const table of ['budgetEvents', 'budgetSpend', 'budgetOverrides', 'budgets'] as const)
    await database.db.deleteFrom(table).execute()
})

async function budget(amountNanos: number): Promise<string> {
  const id = newId('bud', 0)
  const it = {
    id,
    teamId,
    ownerId: teamId,
    name: id,
    currency: 'USD',
    amountNanos,
    timeZone: 'UTC',
    createdAt,
  }
  const json = { period: JSON.stringify({ kind: 'month' }), steps: '[]' }
  await database.db
    .insertInto('budgets')
    .values({ ...it, ...json, archivedAt: null })
    .execute()
  return id
}

async function override(
  budgetId: string,
  amountNanos: number,
  [effectiveFrom, effectiveTo]: [string, string],
) {
  const it = { id: newId('bov', 0), teamId, budgetId, amountNanos, effectiveFrom, effectiveTo }
  const more = { reason: 'a launch', createdBy: 'somebody', createdAt }
  await database.db
    .insertInto('budgetOverrides')
    .values({ ...it, ...more })
    .execute()
}

/** A call of an instant whose record arrives then, unless it is late. */
let count = 0
const spend = (costNanos: number, startedAt: string, arrivesAt = startedAt) => {
  count += 1
  const record = usageRecord(30_000 + count, { teamId, costNanos, startedAt })
  return database.db.transaction().execute((db) => countSpend(db, [record], Date.parse(arrivesAt)))
}

/** As if it were this instant, in two processes at once. */
async function lookAt(instant: string): Promise<void> {
  const plan = { db: database.db, clock: { nowMs: () => Date.parse(instant) } }
  await Promise.all([noteEndedOnce(plan), noteEndedOnce(plan)])
}

const told = async () =>
  (
    await database.db
      .selectFrom('budgetEvents')
      .select(['atPercent', 'spentNanos', 'amountNanos', 'kind'])
      .orderBy('at')
      .orderBy('atPercent')
      .execute()
  ).map((it) => [it.kind, it.atPercent, it.spentNanos, it.amountNanos])

test('what the amount reaches once an override has ended is told, once, and no sooner', async () => {
  const id = await budget(1_000)
  await override(id, 1_000, ['2026-11-10T00:00:00Z', '2026-11-20T12:00:00Z'])
  await spend(1_300, '2026-11-12T00:00:00.000Z')
  await lookAt('2026-11-20T11:59:59.999Z')
  expect(await told()).toEqual([])
  await lookAt('2026-11-20T12:00:00.000Z')
  await lookAt('2026-11-21T00:00:00.000Z')
  expect(await told()).toEqual([
    ['reached', 80, 1_300, 1_000],
    ['reached', 100, 1_300, 1_000],
  ])
})

test('of several overrides the ones that go on count, and a budget that is below its parts tells nothing', async () => {
  const id = await budget(1_000)
  await override(id, 500, ['2026-11-01T00:00:00Z', '2026-11-15T00:00:00Z'])
  await override(id, 1_000, ['2026-11-01T00:00:00Z', '2026-12-15T00:00:00Z'])
  await spend(1_700, '2026-11-12T00:00:00.000Z')
  expect(await told()).toEqual([])
  await lookAt('2026-11-15T00:00:00.000Z')
  expect(await told()).toEqual([['reached', 80, 1_700, 2_000]])
})

test('a period that is over is judged by the amount it ended with, however late its records come', async () => {
  const id = await budget(1_000)
  await override(id, 1_000, ['2026-10-01T00:00:00Z', '2026-11-01T00:00:00Z'])
  await spend(1_100, '2026-10-31T23:59:00.000Z', '2026-11-02T00:00:00.000Z')
  await lookAt('2026-11-02T00:00:00.000Z')
  expect(await told()).toEqual([])
  await spend(600, '2026-10-31T23:59:30.000Z', '2026-11-02T00:00:00.000Z')
  expect(await told()).toEqual([['reached', 80, 1_700, 2_000]])
})

test('an overrun is foretold against what is in force', async () => {
  const id = await budget(1_000)
  await override(id, 4_000, ['2026-11-01T00:00:00Z', '2026-11-20T00:00:00Z'])
  await spend(600, '2026-11-08T00:00:00.000Z')
  const foretellAt = (instant: string) =>
    foretellOnce({ db: database.db, clock: { nowMs: () => Date.parse(instant) } })
  await foretellAt('2026-11-10T00:00:00.000Z')
  expect(await told()).toEqual([])
  await override(id, 1, ['2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z'])
  await database.db.updateTable('budgetOverrides').set({ effectiveTo: '2026-11-09T00:00:00Z' }).execute()
  await foretellAt('2026-11-10T00:00:00.000Z')
  expect(await told()).toEqual([['forecast', 100, 600, 1_000]])
})
