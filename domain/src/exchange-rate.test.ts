/** Money in another currency: by a rate that was written down, with its day, or not at all. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NewExchangeRate, type Rate, rateTable, viewIn } from './exchange-rate.ts'

const rate = (day: string, rateBillionths: number, base = 'EUR', quote = 'USD'): Rate => ({
  ...{ base, quote, day, rateBillionths, source: 'ECB' },
})
const ONE = 1_000_000_000

/** Money of days, seen in a currency. */
function view(
  currency: string,
  amounts: readonly [day: string, currency: string, nanos: bigint][],
  rates: readonly Rate[],
) {
  const fromDay = amounts.map(([day]) => day).sort()[0] ?? '2026-11-01'
  const table = rateTable(currency, rates, fromDay)
  const stretchOf = (day: string) => table.days.filter((it) => it <= day).length
  const its = amounts.map(([day, from, nanos]) => ({ stretch: stretchOf(day), currency: from, nanos }))
  const { nanos, missing, used } = viewIn(table, its)
  return { nanos, missing: [...missing], used: [...used] }
}

test('each day is converted by the last rate of that day or before, and the rates used are told', () => {
  const rates = [rate('2026-11-01', 1.1 * ONE), rate('2026-11-03', 1.25 * ONE), rate('2026-11-09', 2 * ONE)]
  const told = view(
    'EUR',
    [
      ['2026-11-02', 'USD', 1100n],
      ['2026-11-03', 'USD', 1250n],
      ['2026-11-05', 'USD', 5n],
    ],
    rates,
  )
  expect(told).toEqual({ nanos: 1000n + 1000n + 4n, missing: [], used: rates.slice(0, 2) })
})

test('what is in the wanted currency is not touched, and what has no rate is told apart, not guessed', () => {
  const told = view(
    'USD',
    [
      ['2026-10-31', 'USD', 7n],
      ['2026-10-31', 'EUR', 11n],
      ['2026-11-02', 'GBP', 5n],
      ['2026-11-02', 'EUR', 10n],
      ['2026-11-03', 'GBP', -1n],
    ],
    [rate('2026-11-01', 1.1 * ONE)],
  )
  expect(told).toMatchObject({
    nanos: 7n + 11n,
    missing: [
      ['EUR', 11n],
      ['GBP', 4n],
    ],
  })
  expect(
    view('EUR', [['2026-11-02', 'USD', 5n]], [rate('2026-11-01', 5, 'GBP', 'USD')]).missing,
  ).toHaveLength(1)
})

test('of two rates of one day that of this direction counts, in whatever order they come', () => {
  const both = [rate('2026-11-01', 1.1 * ONE), rate('2026-11-01', 0.9 * ONE, 'USD', 'EUR')]
  for (const rates of [both, both.toReversed()])
    expect(view('EUR', [['2026-11-01', 'USD', 1000n]], rates).nanos).toBe(900n)
})

test('a sum is rounded once, so that its parts may add up to less', () => {
  const rates = [rate('2026-11-01', 3 * ONE), rate('2026-11-02', 3 * ONE + 3)]
  const third = ['2026-11-01', 'USD', 1n] as const
  expect(view('EUR', [[...third]], rates).nanos).toBe(0n)
  expect(view('EUR', [[...third], [...third]], rates).nanos).toBe(1n)
  expect(view('EUR', [[...third], ['2026-11-02', 'USD', 1n]], rates).nanos).toBe(1n)
})

test('a conversion is off by half a nano at most, and a correction taken back comes back whole', () => {
  const nanos = fc.bigInt(-(10n ** 18n), 10n ** 18n)
  const billionths = fc.integer({ min: 1, max: 10 ** 12 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(nanos, billionths, fc.boolean()), { minLength: 1, maxLength: 12 }),
      (days) => {
        const dayOf = (i: number) => `2026-11-${String(i + 1).padStart(2, '0')}`
        const rates = days.map(([, it, isBackwards], i) =>
          isBackwards ? rate(dayOf(i), it) : rate(dayOf(i), it, 'USD', 'EUR'),
        )
        const amounts = days.map(([it], i) => [dayOf(i), 'USD', it] as [string, string, bigint])
        const told = view('EUR', amounts, rates).nanos
        // As a fraction, one day after the other.
        let [above, below] = [0n, 1n]
        for (const [it, by, isBackwards] of days) {
          const [a, b] = isBackwards ? [it * BigInt(ONE), BigInt(by)] : [it * BigInt(by), BigInt(ONE)]
          ;[above, below] = [above * b + a * below, below * b]
        }
        const off = told * below - above
        expect(2n * (off < 0n ? -off : off) <= below).toBe(true)
        expect(
          view(
            'EUR',
            amounts.map(([day, from, it]) => [day, from, -it]),
            rates,
          ).nanos,
        ).toBe(-told)
      },
    ),
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
