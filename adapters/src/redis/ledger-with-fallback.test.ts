/** The arithmetic of limits while Redis is away. */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Ledger } from '@headgate/domain/ports'
import { expect, test } from 'vitest'
import { claimOn, newBucket } from '../contracts/ledger-contract.ts'
import { memoryLedger } from '../memory/ledger.ts'
import { ledgerWithFallback } from './ledger-with-fallback.ts'

/** A shared ledger that can be switched off, under a clock of the test's own. */
function setUp(expectedInstances: number) {
  const at = { nowMs: 1_000_000, up: false }
  const clock = { monotonicMs: () => at.nowMs }
  const whole = memoryLedger(clock)
  const shared: Ledger = {
    reserve: async (claims) => {
      if (!at.up) throw new GatewayError('limiter_unavailable')
      return whole.reserve(claims)
    },
    settle: whole.settle,
  }
  return { at, ledger: ledgerWithFallback({ shared, clock, expectedInstances }) }
}

test('while Redis is away, all gateways together admit at most 0.82 of the limit per minute', async () => {
  const instances = 3
  const { at, ledger } = setUp(instances)
  const claim = claimOn(newBucket(), { limit: 6000 })
  let admitted = 0
  for (let ms = 0; ms < 60_000; ms += 5) {
    at.nowMs += 5
    if ((await ledger.reserve([claim])).admitted) admitted += 1
  }
  expect(admitted * instances).toBeLessThanOrEqual(0.82 * 6000)
  expect(admitted * instances).toBeGreaterThan(0.75 * 6000)
})

test('a small limit still lets single calls through', async () => {
  const { ledger } = setUp(10)
  const claim = claimOn(newBucket(), { limit: 5 })
  expect((await ledger.reserve([claim])).admitted).toBe(true)
  expect((await ledger.reserve([claim])).admitted).toBe(false)
})

test('an explicit zero still denies, and waiting is no use', async () => {
  const { ledger } = setUp(1)
  expect(await ledger.reserve([claimOn(newBucket(), { limit: 0 })])).toMatchObject({ waitMs: null })
})

test('a call too large for the share is told to come again, since Redis will', async () => {
  const { ledger } = setUp(10)
  const large = claimOn(newBucket(), { limit: 1000, amount: 900 })
  expect(await ledger.reserve([large])).toMatchObject({ admitted: false, waitMs: 5_000 })
  const tooLarge = { ...large, amount: 1001 }
  expect(await ledger.reserve([tooLarge])).toMatchObject({ admitted: false, waitMs: null })
})

test('a Redis that answers every other time does not grant a new start each time', async () => {
  const { at, ledger } = setUp(1)
  const claim = claimOn(newBucket(), { limit: 6000 })
  let admittedLocally = 0
  for (let i = 0; i < 2000; i++) {
    at.nowMs += 1
    at.up = i % 2 === 0
    const verdict = await ledger.reserve([claim])
    if (!at.up && verdict.admitted) admittedLocally += 1
  }
  expect(admittedLocally).toBeLessThanOrEqual(80 + 2 * 80)
})

test('faults other than an unavailable limiter are not covered up', async () => {
  const shared: Ledger = { reserve: () => Promise.reject(new TypeError('a bug')), settle: () => {} }
  const ledger = ledgerWithFallback({ shared, clock: { monotonicMs: () => 0 } })
  await expect(ledger.reserve([claimOn(newBucket())])).rejects.toThrow('a bug')
})
