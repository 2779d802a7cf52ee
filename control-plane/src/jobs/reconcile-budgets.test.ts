/** The ledger's sums of budgets are made true to the records: after it forgot everything, and when they differ. */
import { memoryLedger } from '@headgate/adapters/memory/ledger'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { Budget } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import type { Ledger } from '@headgate/domain/ports'
import { openBudget } from '@headgate/domain/spend'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { migratedDatabase, systemClock } from '../../../tests/admin/harness.ts'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { addSpend } from '../database/budget-spend.ts'
import { type Database, type OpenDatabase, openDatabase } from '../database/open.ts'
import { judgeDrift, type Look, type Watched } from './budget-drift.ts'
import { reconcileBudgets } from './reconcile-budgets.ts'

const newId = idSource()
const createdAt = '2026-01-01T00:00:00.000Z'
const log = () => {}
let database: OpenDatabase
let db: Database
beforeAll(async () => {
  const { url } = await migratedDatabase()
  database = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 4, log })
  db = database.db
})
afterAll(() => database.close())

/** A team with a hard budget of 1 000 nanos that has spent some of it, by the records. */
async function spentBudget(nanos: number) {
  const nowMs = systemClock.nowMs()
  const teamId = newId('team', nowMs)
  await db.insertInto('teams').values({ id: teamId, name: teamId, allowedModels: null, createdAt }).execute()
  const budget = Budget.parse({
    ...{
      id: newId('bud', nowMs),
      teamId,
      ownerId: teamId,
      name: 'Month',
      currency: 'USD',
      amountNanos: 1_000,
    },
    ...{ period: { kind: 'month' }, timeZone: 'UTC', steps: [{ action: 'block', atPercent: 100 }] },
    ...{ createdAt, archivedAt: null },
  })
  const row = { ...budget, period: JSON.stringify(budget.period), steps: JSON.stringify(budget.steps) }
  await db.insertInto('budgets').values(row).execute()
  const open = openBudget({ ...budget, overrides: [] }, 'Payments', nowMs)
  if (open === null) throw new Error('it has a period')
  const add = (more: number) =>
    addSpend(db, [{ budget, period: open.period, nanos: more, unpriced: 0 }], nowMs)
  await add(nanos)
  const ask = (cost: number) => ({
    ...{ id: newId('req', nowMs), claims: [open.claim], tokens: 1, tokensAtLeast: 1 },
    ...{ nanos: cost, nanosAtLeast: 1 },
  })
  return { claim: open.claim, ask, add, teamId }
}

const run = (ledger: Ledger) => {
  const job = reconcileBudgets({ db, ledger, log, clock: systemClock })
  return () => job.run(new AbortController().signal)
}
const remaining = async (ledger: Ledger, it: Awaited<ReturnType<typeof spentBudget>>) =>
  (await ledger.look([it.claim]))[0]?.remaining

async function onRedis() {
  const client = await connectRedis(await freshRedisUrl(), { log })
  const ledger = redisLedger(client, { log, deadlineMs: 10_000 })
  onTestFinished(async () => {
    ledger.close()
    await client.close()
  })
  const flush = () => client.send('any', ['FLUSHALL'])
  return { ledger: ledger as Ledger, forget: flush as () => Promise<unknown> }
}

async function inMemory() {
  let whole = memoryLedger(systemClock)
  const ledger: Ledger = {
    reserve: (ask) => whole.reserve(ask),
    settle: (ask, used) => whole.settle(ask, used),
    progress: (ask, tokens) => whole.progress(ask, tokens),
    look: (...asked) => whole.look(...asked),
    restore: (...told) => whole.restore(...told),
  }
  return { ledger, forget: async () => (whole = memoryLedger(systemClock)) }
}

describe.each([
  ['memory', inMemory],
  ['redis', onRedis],
])('%s: a ledger that forgot everything', (_name, open) => {
  test('lets nothing pass a hard budget until it is told, and then no more than is left', async () => {
    const { ledger, forget } = await open()
    const it = await spentBudget(900)
    const reconcile = run(ledger)
    await reconcile()
    expect(await remaining(ledger, it)).toBe(100)
    const before = it.ask(60)
    expect((await ledger.reserve(before)).admitted).toBe(true)
    ledger.settle(before, { sent: true, tokens: 1, nanos: 60, quotaId: null })
    await it.add(60)
    await forget()
    expect((await ledger.reserve(it.ask(1))).admitted).toBe(false)
    await reconcile()
    expect(await remaining(ledger, it)).toBe(40)
    expect((await ledger.reserve(it.ask(41))).admitted).toBe(false)
    expect((await ledger.reserve(it.ask(40))).admitted).toBe(true)
  })

  test('knows a team without budgets as well, so that its first one need not wait', async () => {
    const { ledger } = await open()
    const { teamId } = await spentBudget(0)
    await db.updateTable('budgets').set({ archivedAt: createdAt }).where('teamId', '=', teamId).execute()
    await run(ledger)()
    const pool = { bucket: `{${teamId}}:bud_new`, kind: 'spend', limit: 5, windowMs: 1_000 } as const
    expect((await ledger.look([pool]))[0]).toMatchObject({ remaining: 5, resetMs: 0 })
  })
})

test('what the records have and the ledger lacks is added once it has stayed, and not again', async () => {
  const { ledger } = await inMemory()
  const it = await spentBudget(100)
  const reconcile = run(ledger)
  await reconcile()
  await it.add(50)
  for (const expected of [900, 900, 850, 850, 850, 850]) {
    await reconcile()
    expect(await remaining(ledger, it)).toBe(expected)
  }
})

test('a ledger that is away is left alone', async () => {
  const { ledger } = await inMemory()
  await spentBudget(100)
  const { GatewayError } = await import('@headgate/domain/gateway-error')
  const away = { ...ledger, look: () => Promise.reject(new GatewayError('limiter_unavailable')) }
  await expect(run(away)()).resolves.toBeUndefined()
})

describe('drift', () => {
  const judge = (looks: readonly Look[]) => {
    let watched: Watched | undefined
    return looks.map((look) => {
      const judged = judgeDrift(watched, look)
      watched = judged.watched
      return judged.addNanos
    })
  }
  const look = (atMs: number, postedNanos: number, recordedNanos: number): Look => ({
    ...{ atMs, postedNanos, recordedNanos },
  })

  test('that comes and goes is none; of what stays, as much is added as stayed', () => {
    expect(judge([look(0, 5, 9), look(1, 9, 9), look(2, 9, 12), look(3, 12, 12)])).toEqual([0, 0, 0, 0])
    expect(judge([look(0, 0, 9), look(1, 0, 4), look(2, 0, 30)])).toEqual([0, 0, 4])
  })

  test('of a ledger that counts more is believed to be one only when nothing moved for a quarter of an hour', () => {
    expect(judge([look(0, 9, 5), look(899_999, 9, 5), look(900_000, 9, 5)])).toEqual([0, 0, -4])
    expect(judge([look(0, 9, 5), look(600_000, 10, 5), look(900_000, 10, 5)])).toEqual([0, 0, 0])
  })

  test('never adds more than the records ever had beyond the ledger', () => {
    const looks = fc.array(fc.record({ atMs: fc.nat(9), postedNanos: fc.nat(9), recordedNanos: fc.nat(9) }))
    fc.assert(
      fc.property(looks, (all) => {
        for (const [i, added] of judge(all).entries()) {
          const { recordedNanos, postedNanos } = all[i] as Look
          if (added !== 0) expect(added).toBeLessThanOrEqual(recordedNanos - postedNanos)
        }
      }),
    )
  })
})
