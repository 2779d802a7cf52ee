/** When a price or an agreement holds, and which two of them contradict each other. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crossedBy, type Validity, validityState } from './validity.ts'

const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()
const span = (from: number, to: number | null): Validity => ({
  effectiveFrom: at(from),
  effectiveTo: to === null ? null : at(to),
})

test('what begins within a minute is in force already, for gateways have it', () => {
  const it = span(10, 20)
  const begins = Date.UTC(2026, 0, 10)
  expect(validityState(it, begins - 60_001)).toBe('coming')
  expect(validityState(it, begins - 60_000)).toBe('in_force')
  expect(validityState(it, Date.UTC(2026, 0, 20) - 1)).toBe('in_force')
  expect(validityState(it, Date.UTC(2026, 0, 20))).toBe('ended')
  expect(validityState(span(10, null), Date.UTC(2090, 0, 1))).toBe('in_force')
})

test.each([
  ['one that follows another without an end', span(5, null), span(1, null), false],
  ['one that begins where another ends', span(5, null), span(1, 5), false],
  ['one within another', span(3, 4), span(1, 9), false],
  ['one within another that has no end', span(3, 4), span(1, null), false],
  ['one around another', span(1, 9), span(3, 4), false],
  ['one that begins before another ends and goes on', span(3, null), span(1, 5), true],
  ['one that begins before another ends and ends after it', span(3, 7), span(1, 5), true],
  ['one that ends within another', span(1, 5), span(3, 7), true],
])('%s', (_, one, other, isCrossing) => {
  expect(crossedBy(one, [other]) === other).toBe(isCrossing)
})

test('two cross whichever of them is asked, and only where both hold and each holds alone', () => {
  const some = fc.record({
    from: fc.integer({ min: 1, max: 12 }),
    days: fc.option(fc.integer({ min: 1, max: 9 })),
  })
  const spanOf = ({ from, days }: { from: number; days: number | null }) =>
    span(from, days === null ? null : from + days)
  const holds = (it: Validity, day: number) =>
    it.effectiveFrom <= at(day) && (it.effectiveTo === null || it.effectiveTo > at(day))
  fc.assert(
    fc.property(some, some, (a, b) => {
      const [one, two] = [spanOf(a), spanOf(b)]
      const isCrossing = crossedBy(one, [two]) !== undefined
      expect(crossedBy(two, [one]) !== undefined).toBe(isCrossing)
      const days = Array.from({ length: 31 }, (_, day) => day + 1)
      const both = days.some((day) => holds(one, day) && holds(two, day))
      const alone = [one, two].every((it) =>
        days.some((day) => holds(it, day) && !holds(it === one ? two : one, day)),
      )
      const earlier = one.effectiveFrom <= two.effectiveFrom ? one : two
      expect(isCrossing).toBe(both && alone && earlier.effectiveTo !== null)
    }),
  )
})
