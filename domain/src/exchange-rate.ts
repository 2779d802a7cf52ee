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

type Rate = Pick<ExchangeRate, 'base' | 'quote' | 'day' | 'rateBillionths'>

/** Money of one day in one currency; nanos may be negative, where a cost was corrected. */
export type DayAmount = { readonly day: string; readonly currency: string; readonly nanos: bigint }

export type MoneyView = {
  readonly currency: string
  readonly nanos: bigint
  /** The rates that were used, so that the sum can be made again. */
  readonly rates: readonly Rate[]
  /** What no rate was there for; it is in no sum. */
  readonly missing: readonly { readonly currency: string; readonly day: string }[]
}

/**
 * Money of many days in one currency: each day's sum by the last rate of that day or before, rounded to the
 * nearest nano, halves away from zero. A rate is used backwards where only the other direction was written down.
 */
export function viewIn(currency: string, amounts: readonly DayAmount[], rates: readonly Rate[]): MoneyView {
  let nanos = 0n
  const used = new Set<Rate>()
  const missing: { currency: string; day: string }[] = []
  for (const [key, sum] of sumsByDay(amounts)) {
    const [from = '', day = ''] = key.split(' ')
    const rate = from === currency ? null : rateFor(from, currency, day, rates)
    if (from !== currency && rate === null) {
      missing.push({ currency: from, day })
      continue
    }
    if (rate !== null) used.add(rate)
    nanos += rate === null ? sum : convert(sum, rate, from)
  }
  return { currency, nanos, rates: [...used], missing }
}

function sumsByDay(amounts: readonly DayAmount[]): Map<string, bigint> {
  const sums = new Map<string, bigint>()
  for (const { day, currency, nanos } of amounts) {
    const key = `${currency} ${day}`
    sums.set(key, (sums.get(key) ?? 0n) + nanos)
  }
  return sums
}

/** The latest of that day or before; of two of one day the one that was written in this direction. */
function rateFor(from: string, to: string, day: string, rates: readonly Rate[]): Rate | null {
  let best: Rate | null = null
  for (const it of rates) {
    const fits = (it.base === from && it.quote === to) || (it.base === to && it.quote === from)
    if (!fits || it.day > day) continue
    if (best === null || it.day > best.day || (it.day === best.day && it.base === from)) best = it
  }
  return best
}

function convert(nanos: bigint, rate: Rate, from: string): bigint {
  const billionths = BigInt(rate.rateBillionths)
  return rate.base === from ? divided(nanos * billionths, BILLION) : divided(nanos * BILLION, billionths)
}

function divided(dividend: bigint, divisor: bigint): bigint {
  const half = dividend < 0n ? -divisor / 2n : divisor / 2n
  return (dividend + half) / divisor
}
