/** What the directory said grows old, and never younger. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sessionAge } from './session.ts'

const ages = ['fresh', 'due', 'stale']

test('what was said holds, is due to be asked for, and is stale, in this order and at the stated times', () => {
  const ms = fc.integer({ min: 1, max: 10_000_000 })
  fc.assert(
    fc.property(ms, ms, ms, fc.integer({ min: 0, max: 1e12 }), (checkMs, more, ageMs, checkedMs) => {
      const rules = { checkMs, staleMs: checkMs + more }
      const at = (afterMs: number) => ages.indexOf(sessionAge(checkedMs, checkedMs + afterMs, rules))
      expect(at(ageMs)).toBeLessThanOrEqual(at(ageMs + 1))
      expect([at(checkMs - 1), at(checkMs), at(rules.staleMs - 1), at(rules.staleMs)]).toEqual([0, 1, 1, 2])
    }),
    { seed: 1 },
  )
})
