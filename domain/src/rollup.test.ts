/** Bins can be added, and a percentile read from them is near the true one. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binOf, quantilesOf } from './rollup.ts'

function binsOf(values: readonly number[]): Map<number, number> {
  const bins = new Map<number, number>()
  for (const value of values) bins.set(binOf(value), (bins.get(binOf(value)) ?? 0) + 1)
  return bins
}

const values = fc.array(fc.oneof(fc.nat(100), fc.nat(4_000_000)), { minLength: 1, maxLength: 200 })

test('a percentile from bins is within a fifth of the true one, whatever the values', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, share) => {
      const sorted = [...all].sort((a, b) => a - b)
      const truth = sorted[Math.ceil(sorted.length * share) - 1] as number
      const [read] = quantilesOf(binsOf(all), [share]) as [number]
      if (truth <= 1) expect(read).toBeLessThanOrEqual(1)
      else expect(Math.abs(read - truth) / truth).toBeLessThan(0.2)
    }),
  )
})

test('several percentiles read at once are those read one by one', () => {
  const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })
  fc.assert(
    fc.property(values, shares, (all, asked) => {
      const inOrder = [...asked].sort((a, b) => a - b)
      const each = inOrder.map((share) => quantilesOf(binsOf(all), [share])?.[0])
      expect(quantilesOf(binsOf(all), inOrder)).toEqual(each)
    }),
  )
})

test('the bins of two lots together are the sum of their bins', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      const sum = binsOf(one)
      for (const [bin, count] of binsOf(other)) sum.set(bin, (sum.get(bin) ?? 0) + count)
      expect(sum).toEqual(binsOf([...one, ...other]))
    }),
  )
})

test('a larger value is never in a smaller bin, and every bin ends at its bound', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      expect(binOf(Math.max(a, b))).toBeGreaterThanOrEqual(binOf(Math.min(a, b)))
    }),
  )
  expect([0, 1, 2, 4, 1024, 1025].map(binOf)).toEqual([0, 0, 4, 8, 40, 41])
})

test('of nothing there is no percentile', () => {
  expect(quantilesOf(new Map(), [0.5])).toBeNull()
  expect(quantilesOf(new Map([[3, 0]]), [0.5])).toBeNull()
})
