/** The bound a bucket promises, and what callers are told. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketAfter, bucketState, bucketWaitMs, capacityOf } from './bucket.ts'

const MINUTE_MS = 60_000

type Arrival = { readonly gapMs: number; readonly amount: number }

const anyLimit = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(60, 1000, 10_000_000))
const anyWindow = fc.constantFrom(1000, MINUTE_MS)
const anyArrivals = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 20_000, noNaN: true })),
    amount: fc.oneof(
      fc.constant(1),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 11_000_000 }),
    ),
  }),
  { maxLength: 80 },
)

/** Runs arrivals through one bucket; what was admitted, and when. */
function admittedOf(limit: number, windowMs: number, arrivals: readonly Arrival[]) {
  const admitted: { atMs: number; amount: number }[] = []
  let nowMs = 28_000_000_000.123
  let tatMs = 0
  for (const { gapMs, amount } of arrivals) {
    nowMs += gapMs
    if (bucketWaitMs({ limit, windowMs }, amount, tatMs, nowMs) !== 0) continue
    tatMs = bucketAfter({ limit, windowMs }, amount, tatMs, nowMs)
    admitted.push({ atMs: nowMs, amount })
  }
  return admitted
}

describe('a bucket', () => {
  test('admits in any interval at most its capacity (or one larger claim) and what refills meanwhile', () => {
    fc.assert(
      fc.property(anyLimit, anyWindow, anyArrivals, (limit, windowMs, arrivals) => {
        const admitted = admittedOf(limit, windowMs, arrivals)
        for (const [first, from] of admitted.entries()) {
          let sum = 0
          let largest = capacityOf(limit)
          for (const { atMs, amount } of admitted.slice(first)) {
            sum += amount
            largest = Math.max(largest, amount)
            expect(sum).toBeLessThanOrEqual(largest + (limit * (atMs - from.atMs)) / windowMs + 1e-3 * limit)
          }
        }
      }),
    )
  })

  test('a refused call passes when it has waited as long as it was told, and not a millisecond before', () => {
    fc.assert(
      fc.property(anyLimit, anyWindow, fc.nat(100), fc.nat(60), (limit, windowMs, debt, amount) => {
        const nowMs = 28_000_000_000
        const tatMs = nowMs + debt * (windowMs / limit)
        const waitAt = (atMs: number) => bucketWaitMs({ limit, windowMs }, amount, tatMs, atMs)
        const waitMs = waitAt(nowMs)
        if (waitMs === null) return
        expect(waitAt(nowMs + waitMs + 0.001)).toBe(0)
        if (waitMs > 1) expect(waitAt(nowMs + waitMs - 1)).not.toBe(0)
      }),
    )
  })

  test('a full bucket never refuses a legal call, whatever the fraction of the millisecond', () => {
    const fraction = fc.double({ min: 0, max: 3e10, noNaN: true })
    fc.assert(
      fc.property(anyLimit, anyWindow, fraction, fc.nat(), (limit, windowMs, nowMs, seed) => {
        const amount = seed % (limit + 1)
        expect(bucketWaitMs({ limit, windowMs }, amount, 0, nowMs)).toBe(0)
      }),
    )
  })

  test('exactly the capacity can be taken at once, one by one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 3e10, noNaN: true }),
        (limit, nowMs) => {
          const arrivals = Array.from({ length: limit + 2 }, () => ({ gapMs: 0, amount: 1 }))
          expect(admittedOf(limit, MINUTE_MS, arrivals)).toHaveLength(capacityOf(limit))
          expect(bucketState({ limit, windowMs: MINUTE_MS }, 0, nowMs).remaining).toBe(capacityOf(limit))
        },
      ),
    )
  })

  test('what it says remains can indeed be taken at once', () => {
    fc.assert(
      fc.property(
        anyLimit,
        anyWindow,
        fc.double({ min: 0, max: 20_000, noNaN: true }),
        (limit, windowMs, behindMs) => {
          const nowMs = 28_000_000_000
          const { remaining } = bucketState({ limit, windowMs }, nowMs + behindMs, nowMs)
          expect(bucketWaitMs({ limit, windowMs }, remaining, nowMs + behindMs, nowMs) === 0).toBe(
            remaining > 0 || behindMs <= capacityOf(limit) * (windowMs / limit) + 1e-4,
          )
        },
      ),
    )
  })

  test('zero denies everything for good, and more than the limit is never waited for', () => {
    expect(bucketWaitMs({ limit: 0, windowMs: MINUTE_MS }, 0, 0, 5)).toBeNull()
    expect(bucketWaitMs({ limit: 5, windowMs: MINUTE_MS }, 6, 0, 5)).toBeNull()
    expect(bucketState({ limit: 0, windowMs: MINUTE_MS }, 9, 5)).toEqual({ remaining: 0, resetMs: 0 })
    expect(bucketAfter({ limit: 0, windowMs: MINUTE_MS }, -5, 9, 5)).toBe(9)
  })

  test('a claim given back whole leaves the bucket as it was', () => {
    fc.assert(
      fc.property(anyLimit, anyWindow, fc.nat(10_000), fc.nat(), (limit, windowMs, behindMs, seed) => {
        const nowMs = 28_000_000_000
        const amount = seed % (limit + 1)
        const rate = { limit, windowMs }
        if (bucketWaitMs(rate, amount, nowMs + behindMs, nowMs) !== 0) return
        const taken = bucketAfter(rate, amount, nowMs + behindMs, nowMs)
        const after = bucketAfter(rate, -amount, taken, nowMs)
        expect(after).toBeCloseTo(nowMs + behindMs, 4)
      }),
    )
  })
})
