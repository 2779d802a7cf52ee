/**
 * An exchange rate is what a unit of one currency was worth in another on a day, as somebody wrote it down: costs
 * are kept in the currency of their price, and shown in another by a stored rate and its day, never a live one.
 */
import { z } from 'zod'
import { Currency } from './price.ts'

const BILLION = 1_000_000_000n

/** A day of the calendar in UTC, as 2026-11-24. */
export const Day = z.iso.date()

const shape = {
  base: Currency,
  quote: Currency,
  day: Day,
  /** What one unit of `base` is worth in `quote`: 1 084 500 000 where a euro is 1.0845 dollars. */
  rateBillionths: z.int().min(1).max(1_000_000_000_000_000),
  /** Who says so, such as "ECB reference rate". */
  source: z.string().min(1).max(200),
}

export const ExchangeRate = z.object({
  /** Its currencies and its day, as `EUR-USD-2026-11-24`. */
  id: z.string(),
  ...shape,
  createdAt: z.iso.datetime({ offset: true }),
})
export type ExchangeRate = z.infer<typeof ExchangeRate>

/** What names a rate: there is one for a pair of currencies and a day. */
export type PairDay = Pick<ExchangeRate, 'base' | 'quote' | 'day'>

/** The id of the rate at a place. */
export function exchangeRateId({ base, quote, day }: PairDay): string {
  return `${base}-${quote}-${day}`
}

/** The place that an id names; null for one that names none. */
export function pairDayOf(id: string): PairDay | null {
  const [, base = '', quote = '', day = ''] = /^([A-Z]{3})-([A-Z]{3})-(\d{4}-\d\d-\d\d)$/.exec(id) ?? []
  return base === '' ? null : { base, quote, day }
}

export const NewExchangeRate = z.strictObject(shape).refine((it) => it.base !== it.quote, {
  path: ['quote'],
  error: 'another currency than base',
})
export type NewExchangeRate = z.infer<typeof NewExchangeRate>

export type Rate = Pick<ExchangeRate, 'base' | 'quote' | 'day' | 'rateBillionths' | 'source'>

/**
 * Which rates turn money of other currencies into one, over a span. A rate is in force for whole days of UTC, from its
 * day until the day of the next one of its pair.
 */
export type RateTable = {
  readonly currency: string
  /** The days at which some rate changes, in order; the stretch before the first of them is 0, that from it on is 1. */
  readonly days: readonly string[]
  /** The rate of a currency in a stretch; null where none was written down for then or before. */
  rateOf(currency: string, stretch: number): Rate | null
}

/** Money of one stretch of a rate table; nanos may be negative, where a cost was corrected. */
export type StretchAmount = { readonly stretch: number; readonly currency: string; readonly nanos: bigint }

export type MoneyView = {
  readonly nanos: bigint
  /** What no rate was there for, in its own currency; it is in no sum. */
  readonly missing: ReadonlyMap<string, bigint>
  /** The rates that were used, so that the sum can be made again. */
  readonly used: ReadonlySet<Rate>
}

/**
 * Lays out the rates for a span.
 * @param rates of pairs with `currency`; others are not looked at
 * @param fromDay the first day of the span: what changed before it makes no stretch of its own
 */
export function rateTable(currency: string, rates: readonly Rate[], fromDay: string): RateTable {
  const byCurrency = new Map<string, Map<string, Rate>>()
  for (const rate of rates) {
    if (rate.base !== currency && rate.quote !== currency) continue
    const other = rate.base === currency ? rate.quote : rate.base
    const days = byCurrency.get(other) ?? new Map<string, Rate>()
    byCurrency.set(other, days)
    // Of two of one day that which was written in this direction.
    if (rate.base === other || !days.has(rate.day)) days.set(rate.day, rate)
  }
  const all = [...byCurrency.values()].flatMap((it) => [...it.keys()])
  const days = [...new Set(all)].filter((it) => it > fromDay).sort()
  const laidOut = new Map(
    [...byCurrency].map(([other, its]) => [other, inStretches(its, [fromDay, ...days])]),
  )
  return { currency, days, rateOf: (other, stretch) => laidOut.get(other)?.[stretch] ?? null }
}

/** The rate in force from each of the days on. */
function inStretches(rates: ReadonlyMap<string, Rate>, days: readonly string[]): (Rate | null)[] {
  const inOrder = [...rates.values()].sort((a, b) => (a.day < b.day ? -1 : 1))
  let next = 0
  let inForce: Rate | null = null
  return days.map((day) => {
    for (let rate = inOrder[next]; rate !== undefined && rate.day <= day; rate = inOrder[++next])
      inForce = rate
    return inForce
  })
}

/**
 * A sum of money of many days and currencies in one: each by the rate of its day, exact, and rounded once, to the
 * nearest nano, halves away from zero. A rate is used backwards where only the other direction was written down.
 */
export function viewIn(table: RateTable, amounts: readonly StretchAmount[]): MoneyView {
  const missing = new Map<string, bigint>()
  const byRate = new Map<Rate, { from: string; nanos: bigint }>()
  let own = 0n
  for (const { stretch, currency, nanos } of amounts) {
    const rate = currency === table.currency ? null : table.rateOf(currency, stretch)
    if (currency === table.currency) own += nanos
    else if (rate === null) missing.set(currency, (missing.get(currency) ?? 0n) + nanos)
    else byRate.set(rate, { from: currency, nanos: (byRate.get(rate)?.nanos ?? 0n) + nanos })
  }
  return { nanos: summed(own, byRate), missing, used: new Set(byRate.keys()) }
}

type Fraction = readonly [dividend: bigint, divisor: bigint]

/** As fractions, so that what is rounded is the sum and not its parts. */
function summed(own: bigint, byRate: ReadonlyMap<Rate, { from: string; nanos: bigint }>): bigint {
  let forwards = own * BILLION
  const backwards: Fraction[] = []
  for (const [rate, { from, nanos }] of byRate) {
    const billionths = BigInt(rate.rateBillionths)
    if (rate.base === from) forwards += nanos * billionths
    else backwards.push([nanos * BILLION, billionths])
  }
  const [dividend, divisor] = sumOf([[forwards, BILLION], ...backwards])
  return divided(dividend, divisor)
}

/** By halves: the divisors of both grow alike, which costs a seventh of adding one after the other. */
function sumOf(parts: readonly Fraction[]): Fraction {
  const [first, second] = parts as readonly [Fraction, Fraction?]
  if (second === undefined) return first
  const half = parts.length >> 1
  const [a, b] = sumOf(parts.slice(0, half))
  const [c, d] = sumOf(parts.slice(half))
  return [a * d + c * b, b * d]
}

function divided(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor : divisor
  return (2n * dividend + half) / (2n * divisor)
}
