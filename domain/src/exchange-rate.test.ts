/** Money in another currency: by a rate that was written down, with its day, or not at all. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NewExchangeRate, viewIn } from './exchange-rate.ts'

const rate = (day: string, rateBillionths: number, base = 'EUR', quote = 'USD') => ({
  base,
  quote,
  day,
  rateBillionths,
})
const dollars = (day: string, nanos: bigint) => ({ day, currency: 'USD', nanos })

test('each day is converted by the last rate of that day or before, and the rates used are told', () => {
  const rates = [
    rate('2026-11-01', 1_100_000_000),
    rate('2026-11-03', 1_250_000_000),
    rate('2026-11-09', 2_000_000_000),
  ]
  const view = viewIn(
    'EUR',
    [dollars('2026-11-02', 1100n), dollars('2026-11-03', 1250n), dollars('2026-11-05', 5n)],
    rates,
  )
  expect(view).toEqual({ currency: 'EUR', nanos: 1000n + 1000n + 4n, rates: rates.slice(0, 2), missing: [] })
})

test('what is in the wanted currency is not touched, and what has no rate is named, not guessed', () => {
  const amounts = [dollars('2026-10-31', 7n), { day: '2026-11-02', currency: 'GBP', nanos: 5n }]
  const view = viewIn('USD', amounts, [rate('2026-11-01', 1_100_000_000)])
  expect(view).toEqual({
    currency: 'USD',
    nanos: 7n,
    rates: [],
    missing: [{ currency: 'GBP', day: '2026-11-02' }],
  })
  expect(viewIn('EUR', [dollars('2026-10-31', 7n)], [rate('2026-11-01', 1)]).missing).toHaveLength(1)
})

test('of two rates of one day that of this direction counts', () => {
  const both = [rate('2026-11-01', 1_100_000_000), rate('2026-11-01', 900_000_000, 'USD', 'EUR')]
  expect(viewIn('EUR', [dollars('2026-11-01', 1000n)], both).nanos).toBe(900n)
})

test('a conversion is off by half a nano at most, and a correction taken back comes back whole', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 18n), fc.integer({ min: 1, max: 10 ** 12 }), (nanos, billionths) => {
      const rates = [rate('2026-11-01', billionths)]
      const there = viewIn('EUR', [dollars('2026-11-01', nanos)], rates).nanos
      const off = there * BigInt(billionths) - nanos * 1_000_000_000n
      expect(off * 2n <= BigInt(billionths) && off * 2n >= -BigInt(billionths)).toBe(true)
      expect(viewIn('EUR', [dollars('2026-11-01', -nanos)], rates).nanos).toBe(-there)
    }),
  )
})

test('a rate is between two currencies and is no zero', () => {
  const given = { base: 'EUR', quote: 'USD', day: '2026-11-01', rateBillionths: 1, source: 'ECB' }
  expect(NewExchangeRate.safeParse(given).success).toBe(true)
  for (const wrong of [
    { quote: 'EUR' },
    { rateBillionths: 0 },
    { day: '2026-11-31' },
    { day: '1.11.2026' },
  ]) {
    expect(NewExchangeRate.safeParse({ ...given, ...wrong }).success, JSON.stringify(wrong)).toBe(false)
  }
})
