/** The arithmetic of limits while Redis is away. */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Ledger } from '@headgate/domain/ports'
import { type Claim, type Pool, UNBOUNDED, UNKNOWN_MS } from '@headgate/domain/reservation'
import { expect, test } from 'vitest'
import { askFor, claimOn, newBucket, usedOf } from '../contracts/ledger-contract.ts'
import { memoryLedger } from '../memory/ledger.ts'
import { ledgerWithFallback } from './ledger-with-fallback.ts'

/** A shared ledger that can be switched off, under a clock of the test's own. */
function setUp(expectedInstances: number) {
  const at = { nowMs: 1_000_000, up: false }
  const clock = { monotonicMs: () => at.nowMs }
  const whole = memoryLedger(clock)
  const shared: Ledger = {
    ...whole,
    reserve: async (ask) => {
      if (!at.up) throw new GatewayError('limiter_unavailable')
      return whole.reserve(ask)
    },
  }
  const charged: [Pool, number][] = []
  const charge = (pool: Pool, amount: number) => void charged.push([pool, amount])
  const ledger = ledgerWithFallback({ shared: { ...shared, charge }, clock, expectedInstances })
  return { at, ledger, whole, charged }
}

test('while Redis is away, all gateways together admit at most 0.82 of the limit per minute', async () => {
  const instances = 3
  const { at, ledger } = setUp(instances)
  const claim = claimOn(newBucket(), { limit: 6000 })
  let admitted = 0
  for (let ms = 0; ms < 60_000; ms += 5) {
    at.nowMs += 5
    if ((await ledger.reserve(askFor([claim]))).admitted) admitted += 1
  }
  expect(admitted * instances).toBeLessThanOrEqual(0.82 * 6000)
  expect(admitted * instances).toBeGreaterThan(0.75 * 6000)
})

test('a small limit still lets single calls through', async () => {
  const { ledger } = setUp(10)
  const claim = claimOn(newBucket(), { limit: 5 })
  expect((await ledger.reserve(askFor([claim]))).admitted).toBe(true)
  expect((await ledger.reserve(askFor([claim]))).admitted).toBe(false)
})

test('an explicit zero still denies, and waiting is no use', async () => {
  const { ledger } = setUp(1)
  expect(await ledger.reserve(askFor([claimOn(newBucket(), { limit: 0 })]))).toMatchObject({ waitMs: null })
})

test('a call too large for the share is told to come again, since Redis will', async () => {
  const { ledger } = setUp(10)
  const large = claimOn(newBucket(), { unit: 'tokens', limit: 1000 })
  expect(await ledger.reserve(askFor([large], 900))).toMatchObject({ admitted: false, waitMs: 5_000 })
  expect(await ledger.reserve(askFor([large], 1001))).toMatchObject({ admitted: false, waitMs: null })
})

test('a Redis that answers every other time does not grant a new start each time', async () => {
  const { at, ledger } = setUp(1)
  const claim = claimOn(newBucket(), { limit: 6000 })
  let admittedLocally = 0
  for (let i = 0; i < 2000; i++) {
    at.nowMs += 1
    at.up = i % 2 === 0
    const verdict = await ledger.reserve(askFor([claim]))
    if (!at.up && verdict.admitted) admittedLocally += 1
  }
  expect(admittedLocally).toBeLessThanOrEqual(80 + 2 * 80)
})

test('faults other than an unavailable limiter are not covered up', async () => {
  const clock = { monotonicMs: () => 0 }
  const reserve = () => Promise.reject(new TypeError('a bug'))
  const shared = { ...memoryLedger(clock), reserve, charge: () => {} }
  const ledger = ledgerWithFallback({ shared, clock })
  await expect(ledger.reserve(askFor([claimOn(newBucket())]))).rejects.toThrow('a bug')
})

test('a limit that is closed without Redis lets nobody pass, and takes nothing from the others', async () => {
  const { at, ledger, charged } = setUp(1)
  const closed = { ...claimOn(newBucket()), onOutage: 'closed' } as const
  const other = claimOn(newBucket(), { limit: 60 })
  await expect(ledger.reserve(askFor([other, closed]))).rejects.toMatchObject({
    code: 'limiter_unavailable',
    status: 503,
    detail: { scope: closed.scope, public: expect.stringContaining(closed.scope.name) },
  })
  expect((await ledger.reserve(askFor([other]))).admitted).toBe(true)
  at.nowMs += 2_000
  at.up = true
  expect((await ledger.reserve(askFor([other, closed]))).admitted).toBe(true)
  expect(charged).toEqual([[other, 1]])
})

test('a limit that is open without Redis lets everybody pass, and is told of it, a bucket of one window at most', async () => {
  const { at, ledger, charged } = setUp(1)
  const day = {
    ...claimOn(newBucket(), { kind: 'window', limit: 4, windowMs: 86_400_000 }),
    onOutage: 'open',
  } as const
  const open = { ...claimOn(newBucket(), { limit: 4 }), onOutage: 'open' } as const
  for (let i = 0; i < 20; i++)
    expect(await ledger.reserve(askFor([open, day]))).toEqual({
      admitted: true,
      states: [
        { remaining: 4, resetMs: 0 },
        { remaining: 4, resetMs: 0 },
      ],
    })
  at.nowMs += 2_000
  at.up = true
  await ledger.reserve(askFor([open, day]))
  expect(charged).toEqual([
    [open, 4],
    [day, 20],
  ])
})

test('beside an open limit the others still hold, and zero denies whatever is said of outages', async () => {
  const { ledger } = setUp(1)
  const open = { ...claimOn(newBucket(), { limit: 1 }), onOutage: 'open' } as const
  const small = claimOn(newBucket(), { limit: 5 })
  expect((await ledger.reserve(askFor([open, small]))).admitted).toBe(true)
  expect(await ledger.reserve(askFor([open, small]))).toMatchObject({ admitted: false, failed: 1 })
  const zero = { ...open, limit: 0 }
  expect(await ledger.reserve(askFor([zero]))).toMatchObject({ admitted: false, waitMs: null })
})

test('what was used locally is told to Redis once, when it is back, less what was given back by then', async () => {
  const { at, ledger, charged } = setUp(1)
  const claim = claimOn(newBucket(), { unit: 'tokens', limit: 60_000 })
  at.nowMs += 5
  const asks = [askFor([claim], 300), askFor([claim], 200), askFor([claim], 100)] as const
  for (const ask of asks) expect((await ledger.reserve(ask)).admitted).toBe(true)
  ledger.settle(asks[0], usedOf(120))
  at.nowMs += 2_000
  at.up = true
  await ledger.reserve(askFor([claim]))
  expect(charged).toEqual([[claim, 420]])
  ledger.settle(asks[1], usedOf(150))
  expect(charged).toEqual([
    [claim, 420],
    [claim, -50],
  ])
})

test('what was used locally longer ago than a window is not charged any more', async () => {
  const { at, ledger, charged } = setUp(1)
  const claim = claimOn(newBucket(), { unit: 'tokens', limit: 60_000 })
  await ledger.reserve(askFor([claim], 300))
  at.nowMs += 61_000
  at.up = true
  await ledger.reserve(askFor([claim]))
  expect(charged).toEqual([])
})

test('a call is settled where it was reserved, whoever judges by then', async () => {
  const { at, ledger, whole } = setUp(1)
  const claim = claimOn(newBucket(), { kind: 'concurrent', unit: 'calls', limit: 2, windowMs: 0 })
  at.up = true
  const [shared, local] = [askFor([claim]), askFor([claim])]
  await ledger.reserve(shared)
  at.up = false
  await ledger.reserve(local)
  expect(whole.openCount()).toBe(1)
  ledger.settle(local, usedOf(1))
  expect(whole.openCount()).toBe(1)
  ledger.settle(shared, usedOf(1))
  expect(whole.openCount()).toBe(0)
})

const budgetOn = (limit: number): Claim =>
  claimOn(`${newBucket()}:bud_x`, { kind: 'spend', unit: 'nanos', limit, windowMs: 2_592_000_000 })
const paidAsk = (claim: Claim, nanos: number) => ({ ...askFor([claim]), nanos, nanosAtLeast: 1 })

/** A budget of 100 000 of which so much is spent, heard of once before Redis went away. */
async function heardBudget(spent: number, expectedInstances = 1) {
  const it = setUp(expectedInstances)
  const claim = budgetOn(100_000)
  await it.whole.restore(claim.bucket.slice(1, claim.bucket.indexOf('}')), [{ pool: claim, amount: spent }])
  it.at.up = true
  expect((await it.ledger.reserve(paidAsk(claim, 0))).admitted).toBe(true)
  it.at.up = false
  it.at.nowMs += 120_000
  return { ...it, claim }
}

test('a hard budget that was last heard of below nine tenths lets a hundredth of itself pass per minute', async () => {
  const { at, ledger, claim } = await heardBudget(50_000)
  let admitted = 0
  for (let second = 0; second < 180; second++) {
    at.nowMs += 1_000
    for (let i = 0; i < 10; i++) if ((await ledger.reserve(paidAsk(claim, 100))).admitted) admitted += 100
  }
  expect(admitted).toBeGreaterThan(0.9 * 3 * 800)
  expect(admitted).toBeLessThanOrEqual(4 * 800)
})

test('however long Redis stays away, all gateways together end at nine tenths and one minute', async () => {
  const instances = 4
  const { at, ledger, claim } = await heardBudget(60_000, instances)
  let admitted = 0
  for (let minute = 0; minute < 600; minute++) {
    at.nowMs += 65_000
    for (let i = 0; i < 5; i++) if ((await ledger.reserve(paidAsk(claim, 100))).admitted) admitted += 100
  }
  expect(60_000 + admitted * instances).toBeLessThanOrEqual(90_000 + 1_000)
  const refused = await ledger.reserve(paidAsk(claim, 100))
  expect(refused).toMatchObject({
    admitted: false,
    failed: 0,
    waitMs: 5_000,
    states: [{ resetMs: UNKNOWN_MS }],
  })
})

test('a hard budget near its edge, or never heard of, is closed; a soft one passes', async () => {
  const { ledger, claim } = await heardBudget(90_000)
  expect(await ledger.reserve(paidAsk(claim, 1))).toMatchObject({ admitted: false, waitMs: 5_000 })
  expect((await ledger.reserve(paidAsk(budgetOn(100_000), 1))).admitted).toBe(false)
  expect((await ledger.reserve(paidAsk(budgetOn(UNBOUNDED), 1))).admitted).toBe(true)
})

test('what budgets spent locally is told to Redis once, in full', async () => {
  const { at, ledger, claim, charged } = await heardBudget(10_000)
  const [ended, underWay] = [paidAsk(claim, 300), paidAsk(claim, 200)]
  for (const ask of [ended, underWay]) expect((await ledger.reserve(ask)).admitted).toBe(true)
  ledger.settle(ended, { sent: true, tokens: 1, nanos: 120, quotaId: null })
  at.up = true
  at.nowMs += 2_000
  await ledger.reserve(paidAsk(claim, 0))
  expect(charged.map(([pool, amount]) => [pool.bucket, amount])).toEqual([[claim.bucket, 320]])
  ledger.settle(underWay, { sent: true, tokens: 1, nanos: 250, quotaId: null })
  expect(charged.at(-1)?.[1]).toBe(50)
})
