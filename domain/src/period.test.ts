/** Periods of budgets lie side by side, whatever the clocks of a zone do. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  forecastNanos,
  overrunNanos,
  type PeriodRule,
  periodAt,
  PeriodRule as Rule,
  TimeZone,
} from './period.ts'

const at = (text: string) => Date.parse(text)
const iso = (ms: number | undefined) => new Date(ms ?? Number.NaN).toISOString()

function spanOf(rule: PeriodRule, zone: string, instant: string): [string, string, string] | null {
  const period = periodAt(rule, zone, at(instant))
  return period && [period.name, iso(period.fromMs), iso(period.toMs)]
}

/** Clocks put forward or back at midnight, half hours, a day left out, the far ends of the date line. */
const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/Havana', 'Africa/Cairo', 'Asia/Beirut'],
  ...['Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Santiago', 'Pacific/Kiritimati', 'Pacific/Pago_Pago'],
]
const anyRule: fc.Arbitrary<PeriodRule> = fc.oneof(
  fc.record({ kind: fc.constantFrom('day' as const, 'week' as const, 'month' as const) }),
  fc.record({
    kind: fc.constant('days' as const),
    days: fc.integer({ min: 1, max: 366 }),
    from: fc.constantFrom('2019-12-31', '2020-02-29', '2020-03-29'),
  }),
)
const anyInstant = fc.integer({ min: at('2020-06-01T00:00:00Z'), max: at('2030-12-31T00:00:00Z') })

test('an instant is in its period, and the next one begins where it ends, under another name', () => {
  fc.assert(
    fc.property(anyRule, fc.constantFrom(...zones), anyInstant, (rule, zone, instant) => {
      const period = periodAt(rule, zone, instant)
      if (period === null) throw new Error('it has one')
      expect(period.fromMs).toBeLessThanOrEqual(instant)
      expect(period.toMs).toBeGreaterThan(instant)
      expect(periodAt(rule, zone, period.fromMs)).toEqual(period)
      expect(periodAt(rule, zone, period.toMs - 1)).toEqual(period)
      const next = periodAt(rule, zone, period.toMs)
      expect(next?.fromMs).toBe(period.toMs)
      expect(next?.name).not.toBe(period.name)
    }),
    { numRuns: 300 },
  )
})

test('a period begins and ends on a quarter of an hour, in every zone', () => {
  fc.assert(
    fc.property(anyRule, fc.constantFrom(...zones), anyInstant, (rule, zone, instant) => {
      const period = periodAt(rule, zone, instant)
      expect([(period?.fromMs ?? 1) % 900_000, (period?.toMs ?? 1) % 900_000]).toEqual([0, 0])
    }),
    { numRuns: 100 },
  )
})

describe('a day', () => {
  test('has 23 hours when the clocks are put forward, and 25 when they are put back', () => {
    const day = { kind: 'day' } as const
    expect(spanOf(day, 'Europe/Berlin', '2026-03-29T12:00:00Z')).toEqual([
      ...['2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
    ])
    expect(spanOf(day, 'Europe/Berlin', '2026-10-25T12:00:00Z')).toEqual([
      ...['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
    ])
  })

  test('begins at one o’clock where the clocks are put forward at midnight', () => {
    expect(spanOf({ kind: 'day' }, 'Asia/Beirut', '2025-03-30T12:00:00Z')).toEqual([
      ...['2025-03-30', '2025-03-29T22:00:00.000Z', '2025-03-30T21:00:00.000Z'],
    ])
  })
})

test('a week begins on Monday, a month on its first day, leap years included', () => {
  expect(spanOf({ kind: 'week' }, 'UTC', '2026-11-29T23:59:59.999Z')?.[0]).toBe('2026-11-23')
  expect(spanOf({ kind: 'week' }, 'UTC', '2026-11-30T00:00:00Z')?.[0]).toBe('2026-11-30')
  expect(spanOf({ kind: 'month' }, 'UTC', '2028-02-29T12:00:00Z')).toEqual([
    ...['2028-02-01', '2028-02-01T00:00:00.000Z', '2028-03-01T00:00:00.000Z'],
  ])
  expect(spanOf({ kind: 'month' }, 'America/New_York', '2026-12-01T04:59:59Z')?.[0]).toBe('2026-11-01')
  expect(spanOf({ kind: 'month' }, 'UTC', '2026-12-31T23:00:00Z')?.[2]).toBe('2027-01-01T00:00:00.000Z')
})

test('so many days from a date on, and one stretch of days: none before they begin, one after the other', () => {
  const fortnight = { kind: 'days', days: 14, from: '2026-11-02' } as const
  expect(spanOf(fortnight, 'UTC', '2026-11-01T23:59:59Z')).toBeNull()
  expect(spanOf(fortnight, 'UTC', '2026-11-15T23:59:59Z')?.[0]).toBe('2026-11-02')
  expect(spanOf(fortnight, 'UTC', '2026-11-16T00:00:00Z')?.[0]).toBe('2026-11-16')
  const span = { kind: 'span', from: '2026-11-02', to: '2026-11-03' } as const
  expect(spanOf(span, 'UTC', '2026-11-03T23:59:59Z')).toEqual([
    ...['2026-11-02', '2026-11-02T00:00:00.000Z', '2026-11-04T00:00:00.000Z'],
  ])
  expect(spanOf(span, 'UTC', '2026-11-04T00:00:00Z')).toBeNull()
})

test('days that no calendar has, stretches that end first and zones that are none are refused', () => {
  expect(Rule.safeParse({ kind: 'days', days: 3, from: '2026-02-30' }).success).toBe(false)
  expect(Rule.safeParse({ kind: 'days', days: 0, from: '2026-02-03' }).success).toBe(false)
  expect(Rule.safeParse({ kind: 'span', from: '2026-02-04', to: '2026-02-03' }).success).toBe(false)
  expect(Rule.safeParse({ kind: 'span', from: '2026-02-03', to: '2026-02-03' }).success).toBe(true)
  expect(Rule.safeParse({ kind: 'month', from: '2026-02-03' }).success).toBe(false)
  expect(TimeZone.safeParse('Mars/Olympus').success).toBe(false)
})

test('a forecast goes on as it went, and waits for a hundredth of the period', () => {
  const period = { name: '', fromMs: 0, toMs: 1_000 }
  expect(forecastNanos(50, period, 250)).toBe(200)
  expect(forecastNanos(50, period, 9)).toBeNull()
  expect(forecastNanos(50, period, 2_000)).toBe(50)
})

test('an overrun is foretold from a tenth of the period on, of what goes on at one pace, and not once it has come', () => {
  const amountNanos = 1_000_000
  const period = { name: '2026-11-01', fromMs: 5_000, toMs: 1_005_000 }
  const passed = fc.integer({ min: 0, max: 999_999 })
  const pace = fc.double({ min: 0, max: 10, noNaN: true })
  fc.assert(
    fc.property(passed, pace, (passedMs, perMs) => {
      const spentNanos = Math.floor(passedMs * perMs)
      const foretold = overrunNanos({ spentNanos, amountNanos }, period, period.fromMs + passedMs)
      const goesBeyond = passedMs > 0 && Math.round(spentNanos / (passedMs / 1_000_000)) > amountNanos
      const isDue = passedMs >= 100_000 && spentNanos < amountNanos && goesBeyond
      expect(foretold !== null).toBe(isDue)
      if (foretold !== null) expect(foretold).toBeGreaterThan(amountNanos)
    }),
  )
  const spent = { spentNanos: 999_999, amountNanos }
  expect(overrunNanos(spent, period, period.toMs)).toBeNull()
  expect(overrunNanos(spent, period, period.fromMs)).toBeNull()
})
