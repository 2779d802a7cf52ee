/** The bound a limit promises, and what callers are told. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bucketState, capacityOf, claimsOf, corrected, judge } from './limit.ts'
import { KeyRecord } from './proxy-key.ts'

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
    const verdict = judge({ limit, windowMs, amount }, tatMs, nowMs)
    if (!verdict.pass) continue
    tatMs = verdict.tatMs
    admitted.push({ atMs: nowMs, amount })
  }
  return admitted
}

describe('a limit', () => {
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
        const verdict = judge({ limit, windowMs, amount }, tatMs, nowMs)
        if (verdict.pass || verdict.waitMs === null) return
        const waitMs = verdict.waitMs
        expect(judge({ limit, windowMs, amount }, tatMs, nowMs + waitMs + 0.001).pass).toBe(true)
        if (waitMs > 1) expect(judge({ limit, windowMs, amount }, tatMs, nowMs + waitMs - 1).pass).toBe(false)
      }),
    )
  })

  test('a full bucket never refuses a legal call, whatever the fraction of the millisecond', () => {
    const fraction = fc.double({ min: 0, max: 3e10, noNaN: true })
    fc.assert(
      fc.property(anyLimit, anyWindow, fraction, fc.nat(), (limit, windowMs, nowMs, seed) => {
        const amount = seed % (limit + 1)
        expect(judge({ limit, windowMs, amount }, 0, nowMs).pass).toBe(true)
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
          expect(judge({ limit, windowMs, amount: remaining }, nowMs + behindMs, nowMs).pass).toBe(
            remaining > 0 || behindMs <= capacityOf(limit) * (windowMs / limit) + 1e-4,
          )
        },
      ),
    )
  })

  test('zero denies everything for good, and more than the limit is never waited for', () => {
    expect(judge({ limit: 0, windowMs: MINUTE_MS, amount: 0 }, 0, 5)).toEqual({ pass: false, waitMs: null })
    expect(judge({ limit: 5, windowMs: MINUTE_MS, amount: 6 }, 0, 5)).toEqual({ pass: false, waitMs: null })
    expect(bucketState({ limit: 0, windowMs: MINUTE_MS }, 9, 5)).toEqual({ remaining: 0, resetMs: 0 })
    expect(corrected({ bucket: 'b', limit: 0, windowMs: MINUTE_MS, delta: -5 }, 9, 5)).toBe(9)
  })

  test('a claim given back whole leaves the bucket as it was', () => {
    fc.assert(
      fc.property(anyLimit, anyWindow, fc.nat(10_000), fc.nat(), (limit, windowMs, behindMs, seed) => {
        const nowMs = 28_000_000_000
        const amount = seed % (limit + 1)
        const verdict = judge({ limit, windowMs, amount }, nowMs + behindMs, nowMs)
        if (!verdict.pass) return
        const after = corrected({ bucket: 'b', limit, windowMs, delta: -amount }, verdict.tatMs, nowMs)
        expect(after).toBeCloseTo(nowMs + behindMs, 4)
      }),
    )
  })
})

describe('the claims of a call', () => {
  const key = KeyRecord.parse({
    id: `key_${'0'.repeat(26)}`,
    name: 'nightly',
    teamId: `team_${'0'.repeat(26)}`,
    appId: `app_${'0'.repeat(26)}`,
    userId: null,
    state: 'active',
    allowedModels: null,
    requestsPerMinute: 60,
    tokensPerMinute: 0,
    digest: 'a'.repeat(64),
    expiresAtMs: null,
  })

  test('share the hash tag of the team, so that one script can judge them in a cluster', () => {
    const claims = claimsOf(key, 500)
    expect(claims.map((it) => [it.unit, it.limit, it.amount])).toEqual([
      ['requests', 60, 1],
      ['tokens', 0, 500],
    ])
    for (const claim of claims) expect(claim.bucket).toContain(`{${key.teamId}}`)
    expect(new Set(claims.map((it) => it.bucket)).size).toBe(2)
  })

  test('a limit that is not set makes no claim, one of zero does', () => {
    expect(claimsOf({ ...key, requestsPerMinute: null, tokensPerMinute: null }, 500)).toEqual([])
  })
})
