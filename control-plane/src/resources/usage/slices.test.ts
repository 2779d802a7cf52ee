/** Slices hold every minute of a span once; stretches of time follow the wall clock of their zone. */
import { type RollupLevel, rollupMs } from '@headgate/domain/rollup'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketStarts } from './buckets.ts'
import { alignDown, alignUp, type Range, type SpanPlan, slicesOf, spanPlan } from './slices.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const wholly = {
  minute: Number.NEGATIVE_INFINITY,
  hour: Number.NEGATIVE_INFINITY,
  day: Number.NEGATIVE_INFINITY,
}
const minutes = fc.nat(60 * 24 * 40).map((it) => it * MINUTE_MS)

test('the slices of stretches hold each minute of them once, in ranges their level can tell', () => {
  fc.assert(
    fc.property(fc.uniqueArray(minutes, { minLength: 2, maxLength: 8 }), (instants) => {
      const bounds = instants.sort((a, b) => a - b)
      const slices = slicesOf(bounds)
      const ranges = Object.entries(slices).flatMap(([level, its]) => its.map((range) => ({ level, range })))
      for (const { level, range } of ranges)
        for (const end of range) expect(end % rollupMs[level as keyof typeof rollupMs]).toBe(0)
      const inOrder = ranges.map(({ range }) => range).sort((a, b) => a[0] - b[0])
      expect(inOrder[0]?.[0]).toBe(bounds[0])
      expect(inOrder.at(-1)?.[1]).toBe(bounds.at(-1))
      for (let i = 1; i < inOrder.length; i++) expect(inOrder[i]?.[0]).toBe(inOrder[i - 1]?.[1])
    }),
  )
})

test('no slice crosses the bound of a stretch within a row of its level', () => {
  const day = rollupMs.day
  expect(slicesOf([0, day, 3 * day])).toEqual({ day: [[0, 3 * day]], hour: [], minute: [] })
  expect(slicesOf([0, day / 2, day])).toEqual({ day: [], hour: [[0, day]], minute: [] })
})

test('a plan counts each minute once in its own stretch, whatever is added and taken away again', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(minutes, { minLength: 2, maxLength: 30 }),
      fc.array(minutes),
      (instants, others) => {
        const bounds = instants.sort((a, b) => a - b)
        const plan = spanPlan(bounds)
        for (const minute of [...others, ...bounds, ...bounds.map((it) => it - MINUTE_MS)]) {
          const expected = bounds
            .slice(0, -1)
            .map((from, i) => (minute >= from && minute < (bounds[i + 1] as number) ? 1 : 0))
          expect(countedIn(plan, minute)).toEqual(expected)
        }
      },
    ),
  )
})

/** How often the row that holds a minute is counted in each stretch. */
function countedIn({ bounds, sliceBounds, slices, shares }: SpanPlan, minute: number): number[] {
  const counts = bounds.slice(1).map(() => 0)
  const count = (stretch: number, by: number) => {
    counts[stretch - 1] = (counts[stretch - 1] as number) + by
  }
  const holds = ([from, to]: Range) => minute >= from && minute < to
  for (const [level, ranges] of Object.entries(slices) as [RollupLevel, readonly Range[]][]) {
    const at = Math.floor(minute / rollupMs[level]) * rollupMs[level]
    for (const _ of ranges.filter(holds))
      count(sliceBounds.slice(0, -1).filter((start) => start <= at).length, 1)
  }
  for (const { stretch, sign } of shares.filter((it) => holds(it.range))) count(stretch, sign)
  return counts
}

test('days of another zone are whole days of UTC, and their hours between the midnights change sides', () => {
  const { day, hour } = rollupMs
  const plan = spanPlan([day - hour, 2 * day - hour, 3 * day - hour])
  expect(plan.slices).toEqual({ day: [[day, 3 * day]], hour: [], minute: [] })
  const moves = plan.shares.map(({ range, stretch, sign }) => [
    range[0] / hour,
    range[1] / hour,
    stretch,
    sign,
  ])
  expect(moves).toEqual([
    ...[[23, 24, 1, 1]],
    ...[[47, 48, 2, 1]],
    ...[[47, 48, 1, -1]],
    ...[[71, 72, 2, -1]],
  ])
})

test('a month of days in Berlin reads whole days, though its first and last day are cut short', () => {
  const { day, hour } = rollupMs
  const midnights = Array.from({ length: 30 }, (_, n) => n * day + 23 * hour)
  const plan = spanPlan([0, ...midnights, 30 * day])
  expect(plan.slices).toEqual({ day: [[0, 30 * day]], hour: [], minute: [] })
  expect(plan.shares.every(({ range }) => range[1] - range[0] === hour)).toBe(true)
})

test('where finer levels were dropped, bounds move to what is kept', () => {
  const kept = { ...wholly, hour: 10 * rollupMs.day, minute: 20 * rollupMs.day }
  const at = (days: number) => days * rollupMs.day + 90 * MINUTE_MS + 1
  expect(alignDown(at(5), kept)).toBe(5 * rollupMs.day)
  expect(alignUp(at(5), kept)).toBe(6 * rollupMs.day)
  expect(alignDown(at(15), kept)).toBe(15 * rollupMs.day + HOUR_MS)
  expect(alignUp(at(25), kept)).toBe(25 * rollupMs.day + 91 * MINUTE_MS)
})

const startsOf = (from: string, to: string, bucket: 'hour' | 'day' | 'week' | 'month', zone: string) =>
  bucketStarts({ fromMs: Date.parse(from), toMs: Date.parse(to) }, { bucket, zone, countMax: 100 }).map(
    (it) => new Date(it).toISOString().slice(0, 16),
  )

test('days begin at midnight of their zone and are 23 or 25 hours long when the clocks change', () => {
  expect(startsOf('2026-10-24T22:00:00Z', '2026-10-27T00:00:00Z', 'day', 'Europe/Berlin')).toEqual([
    ...['2026-10-24T22:00', '2026-10-25T23:00', '2026-10-26T23:00'],
  ])
  expect(startsOf('2026-03-28T12:00:00Z', '2026-03-30T12:00:00Z', 'day', 'Europe/Berlin')).toEqual([
    ...['2026-03-28T12:00', '2026-03-28T23:00', '2026-03-29T22:00'],
  ])
})

test.each([
  ['America/Santiago', '2026-09-05T04:00', '2026-09-06T04:00', '2026-09-07T03:00'],
  ['Asia/Beirut', '2026-03-27T22:00', '2026-03-28T22:00', '2026-03-29T21:00'],
  ['America/Havana', '2026-03-07T05:00', '2026-03-08T05:00', '2026-03-09T04:00'],
])('in %s, where a day begins at one o’clock when the clocks change, days go on', (zone, ...starts) => {
  const to = new Date(Date.parse(`${starts[2]}Z`) + HOUR_MS).toISOString()
  expect(startsOf(`${starts[0]}Z`, to, 'day', zone)).toEqual(starts)
})

test('hours, weeks and months follow the wall clock too', () => {
  expect(startsOf('2026-10-25T00:00:00Z', '2026-10-25T03:00:00Z', 'hour', 'Europe/Berlin')).toHaveLength(3)
  expect(startsOf('2026-11-01T00:10:00Z', '2026-11-01T02:00:00Z', 'hour', 'Asia/Kolkata')).toEqual([
    ...['2026-11-01T00:10', '2026-11-01T00:30', '2026-11-01T01:30'],
  ])
  expect(startsOf('2026-11-04T00:00:00Z', '2026-11-17T00:00:00Z', 'week', 'UTC')).toEqual([
    ...['2026-11-04T00:00', '2026-11-09T00:00', '2026-11-16T00:00'],
  ])
  expect(startsOf('2026-12-15T00:00:00Z', '2027-02-02T00:00:00Z', 'month', 'UTC')).toEqual([
    ...['2026-12-15T00:00', '2027-01-01T00:00', '2027-02-01T00:00'],
  ])
})
