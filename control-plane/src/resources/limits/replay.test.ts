/** A replay answers as the limit would have: same rule, recorded calls. */
import type { Claim } from '@headgate/domain/reservation'
import { expect, test } from 'vitest'
import { refusalsAmong } from './replay.ts'

const claim = (changes: Partial<Claim>): Claim => ({
  ...{
    bucket: 'b',
    kind: 'window',
    limit: 100,
    windowMs: 60_000,
    unit: 'tokens',
    quotaId: null,
    instead: null,
  },
  ...{ scope: { kind: 'team', name: 'Search' } as const },
  ...changes,
})
const call = (startedAtMs: number, tokens: number, totalMs = 100) => ({ startedAtMs, tokens, totalMs })

test('a call that would not have fitted is counted and takes nothing', () => {
  const calls = [call(0, 60), call(1_000, 60), call(2_000, 40), call(63_000, 100)]
  expect(refusalsAmong(calls, claim({}))).toEqual({ count: 2, firstAtMs: 1_000 })
  expect(refusalsAmong(calls, claim({ limit: 160 }))).toEqual({ count: 0, firstAtMs: null })
  expect(refusalsAmong(calls, claim({ limit: 0 }))).toEqual({ count: 4, firstAtMs: 0 })
})

test('calls at once count from their beginning to their end', () => {
  const calls = [call(0, 1, 1_000), call(500, 1, 1_000), call(900, 1, 50), call(1_100, 1, 50)]
  const atOnce = claim({ kind: 'concurrent', unit: 'calls', windowMs: 0, limit: 2 })
  expect(refusalsAmong(calls, atOnce)).toEqual({ count: 1, firstAtMs: 900 })
  expect(refusalsAmong(calls, { ...atOnce, limit: 1 })).toEqual({ count: 2, firstAtMs: 500 })
})

test('a lower figure never refuses fewer calls of one size', () => {
  const calls = Array.from({ length: 500 }, (_, i) => call(i * 137, 10))
  let before = Number.POSITIVE_INFINITY
  for (const limit of [20, 50, 100, 1000, 5000]) {
    const { count } = refusalsAmong(calls, claim({ kind: 'bucket', limit }))
    expect(count).toBeLessThanOrEqual(before)
    before = count
  }
})
