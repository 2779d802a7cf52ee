/** The arithmetic of limits while Redis is away. */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Ledger } from '@headgate/domain/ports'
import type { Pool } from '@headgate/domain/reservation'
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
