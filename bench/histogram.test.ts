// Shows that a latency read from the histogram is the latency that went in, to within one per cent.
import { expect, test } from 'vitest'
import { openHistogram } from './histogram.ts'

test('any single value from a nanosecond to an hour comes back within 1 %', () => {
  for (let value = 1; value < 3.6e12; value = value * 1.037 + 0.3) {
    const histogram = openHistogram()
    histogram.add(value)
    histogram.add(value * 1e-3)
    expect(Math.abs(histogram.quantile(0.99) - value) / value).toBeLessThan(0.01)
  }
})

test('quantiles of a known distribution are within 1 % of the exact ones', () => {
  const histogram = openHistogram()
  const count = 100_000
  for (let i = 0; i < count; i++) histogram.add(1000 + i * 17)
  for (const q of [0, 0.5, 0.9, 0.95, 0.99, 0.999]) {
    const exact = 1000 + Math.floor(q * count) * 17
    expect(Math.abs(histogram.quantile(q) - exact) / exact).toBeLessThan(0.01)
  }
})

test('the summary is in microseconds and keeps the exact count, mean and maximum', () => {
  const histogram = openHistogram()
  for (const nanos of [1000, 2000, 3000, 10_000]) histogram.add(nanos)
  expect(histogram.quantiles()).toMatchObject({ count: 4, meanUs: 4, maxUs: 10 })
})

test('an empty histogram gives zeros, and no quantile exceeds the largest value', () => {
  const histogram = openHistogram()
  expect(histogram.quantiles()).toMatchObject({ count: 0, meanUs: 0, p99Us: 0, maxUs: 0 })
  histogram.add(1_000_001)
  expect(histogram.quantile(1)).toBe(1_000_001)
  expect(histogram.quantile(0.5)).toBeLessThanOrEqual(1_000_001)
})

test('values outside the range are counted, not lost', () => {
  const histogram = openHistogram()
  histogram.add(0)
  histogram.add(-5)
  histogram.add(1e18)
  expect(histogram.quantiles().count).toBe(3)
})
