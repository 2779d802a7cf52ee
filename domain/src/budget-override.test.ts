/** What overrides add at which instant: to the sum, to the millisecond, and nothing once they have ended. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { amountAt, type BudgetRaise, NewBudgetOverride, overrideState, raiseAt } from './budget-override.ts'
import { UNBOUNDED } from './reservation.ts'

const HORIZON_MS = 1_000
const text = (ms: number) => new Date(ms).toISOString()

function raise([from, length, amountNanos]: readonly [number, number, number]): BudgetRaise {
  return {
    ...{ id: `bov_${'0'.repeat(26)}`, amountNanos },
    ...{ effectiveFrom: text(from), effectiveTo: text(from + length) },
  }
}

const raises = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: HORIZON_MS }),
      fc.integer({ min: 0, max: HORIZON_MS }),
      fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: UNBOUNDED })),
    ),
    { maxLength: 6 },
  )
  .map((all) => all.map(raise))
const instants = fc.integer({ min: -1, max: 2 * HORIZON_MS + 1 })
const amounts = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: UNBOUNDED }))

/** By its own way: every override for itself, in integers without a bound. */
function expectedAmount(amountNanos: number, overrides: readonly BudgetRaise[], atMs: number): bigint {
  const added = overrides
    .filter(({ effectiveFrom, effectiveTo }) => text(atMs) >= effectiveFrom && text(atMs) < effectiveTo)
    .reduce((sum, it) => sum + BigInt(it.amountNanos), 0n)
  const whole = BigInt(amountNanos) + added
  return whole > BigInt(UNBOUNDED) ? BigInt(UNBOUNDED) : whole
}

test('the amount in force is that of the budget and every override of that instant, exactly', () => {
  fc.assert(
    fc.property(amounts, raises, fc.nat({ max: 2 * HORIZON_MS }), (amountNanos, overrides, atMs) => {
      const amount = amountAt({ amountNanos, overrides }, atMs)
      expect(BigInt(amount)).toBe(expectedAmount(amountNanos, overrides, atMs))
      expect(Number.isSafeInteger(amount)).toBe(true)
      expect(amount).toBeGreaterThanOrEqual(amountNanos)
    }),
  )
})

test('what is added stays so from the first to the last instant of its stretch, and the stretches meet', () => {
  fc.assert(
    fc.property(raises, instants, (overrides, atMs) => {
      const { nanos, fromMs, toMs } = raiseAt(overrides, atMs)
      expect(fromMs <= atMs && atMs < toMs).toBe(true)
      for (const edge of [fromMs, toMs - 1])
        if (Number.isFinite(edge)) expect(raiseAt(overrides, edge)).toEqual({ nanos, fromMs, toMs })
      if (Number.isFinite(toMs)) expect(raiseAt(overrides, toMs).fromMs).toBe(toMs)
    }),
  )
})

test('another override never lowers an amount, and once all have ended nothing is left of them', () => {
  fc.assert(
    fc.property(amounts, raises, raises, instants, (amountNanos, some, more, atMs) => {
      const overrides = [...some, ...more]
      expect(amountAt({ amountNanos, overrides }, atMs)).toBeGreaterThanOrEqual(
        amountAt({ amountNanos, overrides: some }, atMs),
      )
      const afterMs = 2 * HORIZON_MS
      expect(amountAt({ amountNanos, overrides }, afterMs)).toBe(amountNanos)
      expect(raiseAt(overrides, afterMs)).toMatchObject({ nanos: 0, toMs: Number.POSITIVE_INFINITY })
    }),
  )
})

test('an override begins at its first instant, has ended at its last, and says which of the three it is', () => {
  const it = raise([10, 5, 7])
  expect([9, 10, 14, 15].map((atMs) => amountAt({ amountNanos: 1, overrides: [it] }, atMs))).toEqual([
    1, 8, 8, 1,
  ])
  expect([9, 10, 14, 15].map((atMs) => overrideState(it, atMs))).toEqual([
    ...['coming', 'in_force', 'in_force', 'ended'],
  ])
})

test('an override needs an amount and a reason, and one way to say how long', () => {
  const whole = { budgetId: 'bud_01ARZ3NDEKTSV4RRFFQ69G5FAV', amountNanos: 1, reason: ' launch ' }
  expect(NewBudgetOverride.parse(whole).reason).toBe('launch')
  const from = '2026-11-01T00:00:00Z'
  const cases: [object, string][] = [
    [{ amountNanos: 0 }, 'amountNanos'],
    [{ amountNanos: UNBOUNDED + 1 }, 'amountNanos'],
    [{ reason: '  ' }, 'reason'],
    [{ reason: 'x'.repeat(501) }, 'reason'],
    [{ periods: 0 }, 'periods'],
    [{ periods: 25 }, 'periods'],
    [{ periods: 1, effectiveTo: from }, 'periods'],
    [{ effectiveFrom: from, effectiveTo: from }, 'effectiveTo'],
    [{ effectiveTo: 'tomorrow' }, 'effectiveTo'],
  ]
  for (const [changes, field] of cases) {
    const { error } = NewBudgetOverride.safeParse({ ...whole, ...changes })
    expect(error?.issues[0]?.path, JSON.stringify(changes)).toEqual([field])
  }
})
