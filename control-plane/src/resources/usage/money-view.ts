/**
 * Costs of all currencies seen in one, by the exchange rates that were written down: which rates a question needs,
 * how its groups are ranked by them, and what a sum comes to.
 */
import type { Money, UsageSums } from '@headgate/admin-contract/usage-query'
import { type Rate, type RateTable, rateTable, viewIn } from '@headgate/domain/exchange-rate'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import type { SpanPlan } from './slices.ts'

const BILLION = 1_000_000_000n
const FACTOR_DIGITS = 30

/** The sum of a currency in a stretch of the rate table, in nanos as text. */
export type RatedSum = { readonly stretch: number; readonly currency: string; readonly nanos: string }

/** @returns the rates into `currency` for the spans, of currencies that usage cost something in */
export async function readRateTable(
  db: Database,
  currency: string,
  spans: readonly SpanPlan[],
): Promise<RateTable> {
  const bounds = spans.flatMap((it) => it.bounds)
  const rates = await db
    .selectFrom('exchangeRates')
    .select(['base', 'quote', 'day', 'rateBillionths', 'source'])
    .where((row) => row.or([row('base', '=', currency), row('quote', '=', currency)]))
    .where('day', '<=', dayOf(Math.max(...bounds)))
    .where(
      sql<boolean>`case when base = ${currency} then quote else base end in
        (select currency from usage_series union select currency from cost_corrections)`,
    )
    .execute()
  return rateTable(currency, rates, dayOf(Math.min(...bounds)))
}

function dayOf(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 10)
}

/** What a nano of each currency is worth in each stretch, near enough to rank by. */
export function rankFactors(table: RateTable, currencies: readonly string[]) {
  const stretches = Array.from({ length: table.days.length + 1 }, (_, stretch) => stretch)
  return currencies.flatMap((currency) =>
    stretches.flatMap((stretch) => {
      if (currency === table.currency) return [{ currency, stretch, factor: '1' }]
      const rate = table.rateOf(currency, stretch)
      return rate === null ? [] : [{ currency, stretch, factor: factorOf(rate, currency) }]
    }),
  )
}

function factorOf(rate: Rate, from: string): string {
  const billionths = BigInt(rate.rateBillionths)
  const scale = 10n ** BigInt(FACTOR_DIGITS)
  const scaled = rate.base === from ? (billionths * scale) / BILLION : (BILLION * scale) / billionths
  const digits = scaled.toString().padStart(FACTOR_DIGITS + 1, '0')
  return `${digits.slice(0, -FACTOR_DIGITS)}.${digits.slice(-FACTOR_DIGITS)}`
}

/**
 * What sums come to in the currency of the table.
 * @param used takes the rates that were used
 */
export function costInOf(
  sums: readonly RatedSum[],
  table: RateTable,
  used: Set<Rate>,
): NonNullable<UsageSums['costIn']> {
  const view = viewIn(
    table,
    sums.map(({ nanos, ...it }) => ({ ...it, nanos: BigInt(nanos) })),
  )
  for (const rate of view.used) used.add(rate)
  const left = [...view.missing].filter(([, nanos]) => nanos !== 0n)
  const notConverted = left.map(([currency, nanos]) => moneyOf(nanos.toString(), currency))
  const isNothingConverted =
    left.length > 0 && sums.every((it) => view.missing.has(it.currency)) && view.used.size === 0
  return {
    amount: isNothingConverted ? null : moneyOf(view.nanos.toString(), table.currency).amount,
    currency: table.currency,
    notConverted: notConverted.sort((a, b) => (a.currency < b.currency ? -1 : 1)),
  }
}

/** Nanos as decimal text, exact, with at least two decimals: `1500000000` is `1.50`. A correction can make it negative. */
export function moneyOf(nanos: string, currency: string): Money {
  const size = BigInt(nanos.replace('-', ''))
  const fraction = (size % BILLION)
    .toString()
    .padStart(9, '0')
    .replace(/0{1,7}$/, '')
  return { amount: `${nanos.startsWith('-') ? '-' : ''}${size / BILLION}.${fraction}`, currency }
}
