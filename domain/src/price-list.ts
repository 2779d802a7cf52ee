/**
 * A price list is what somebody published of the prices of many models at one date: the one that is shipped, or a
 * provider's, or one's own. It is compared with the prices in force first; what differs can then be taken over.
 */
import { z } from 'zod'
import { Day } from './exchange-rate.ts'
import { Currency, type Price, PriceEntry, type Provider } from './price.ts'
import { lineName, type PriceLine } from './price-line.ts'
import { inForce } from './rate-card.ts'
import { crossedBy } from './validity.ts'

const PRICES_MAX = 2000

export const ListedPrice = PriceEntry.pick({
  model: true,
  provider: true,
  currency: true,
  isFree: true,
  lines: true,
  /** Where this one was read, if elsewhere than the rest of the list. */
  source: true,
})
  .strict()
  .refine((it) => it.isFree === (it.lines.length === 0), {
    path: ['lines'],
    error: 'a price has lines, or is free on purpose and has none',
  })
  .refine((it) => new Set(it.lines.map(lineName)).size === it.lines.length, {
    path: ['lines'],
    error: 'two lines for the same kind, service tier and length of input',
  })
export type ListedPrice = z.infer<typeof ListedPrice>

export const PriceList = z.strictObject({
  /** Kept with each price that is taken over. */
  source: z.string().min(1).max(180),
  /** The day it speaks of. */
  day: Day,
  prices: z
    .array(ListedPrice)
    .min(1)
    .max(PRICES_MAX)
    .refine((all) => new Set(all.map(nameOf)).size === all.length, {
      error: 'the same model of the same provider stands twice',
    }),
})
export type PriceList = z.infer<typeof PriceList>

/** What a price says, without what it is called. */
const Said = z.object({ currency: Currency, isFree: z.boolean(), lines: PriceEntry.shape.lines })

export const PriceDifference = z.object({
  model: z.string(),
  provider: PriceEntry.shape.provider,
  /** Null for a model that has no price then. */
  before: Said.extend({ id: z.string() }).nullable(),
  after: Said,
  /** Null where it is that of the list. */
  source: PriceEntry.shape.source,
})
export type PriceDifference = z.infer<typeof PriceDifference>

/** A price of one's own with an end, that holds when a listed one would: it stays, and the listed one is left out. */
export const KeptPrice = z.object({
  model: z.string(),
  provider: PriceEntry.shape.provider,
  id: z.string(),
  effectiveFrom: z.string(),
  effectiveTo: z.string().nullable(),
  source: PriceEntry.shape.source,
  /** What the list says. */
  listed: Said,
})
export type KeptPrice = z.infer<typeof KeptPrice>

/**
 * Tells apart what can be taken over and what stands in the way of it.
 * @param effectiveFrom when the listed prices would begin, to hold until later ones do
 */
export function partCrossed(
  differences: readonly PriceDifference[],
  prices: readonly Price[],
  effectiveFrom: string,
): { free: PriceDifference[]; kept: KeptPrice[] } {
  const byName = Map.groupBy(prices, nameOf)
  const free: PriceDifference[] = []
  const kept: KeptPrice[] = []
  for (const it of differences) {
    const crossed = crossedBy({ effectiveFrom, effectiveTo: null }, byName.get(nameOf(it)) ?? [])
    if (crossed === undefined) free.push(it)
    else {
      const { id, effectiveTo, source } = crossed
      const { model, provider, after: listed } = it
      kept.push({ model, provider, id, effectiveFrom: crossed.effectiveFrom, effectiveTo, source, listed })
    }
  }
  return { free, kept }
}

/**
 * How a list differs from the prices in force at an instant, in the order of the list.
 * @returns the models that are new or cost something else; of the others only how many they are
 */
export function differencesOf(
  list: PriceList,
  prices: readonly Price[],
  atMs: number,
): { differences: PriceDifference[]; unchanged: number } {
  const byName = Map.groupBy(prices, nameOf)
  const differences = list.prices.flatMap((listed): PriceDifference[] => {
    const now = inForce(byName.get(nameOf(listed)) ?? [], atMs, () => false)
    if (now !== null && saysTheSame(now, listed)) return []
    const before = now === null ? null : { id: now.id, ...saidBy(now) }
    const { model, provider, source } = listed
    return [{ model, provider, before, after: saidBy(listed), source }]
  })
  return { differences, unchanged: list.prices.length - differences.length }
}

type Named = { readonly model: string; readonly provider: Provider | null }

function nameOf({ model, provider }: Named): string {
  return `${model} ${provider}`
}

type Saying = Pick<Price, 'currency' | 'isFree' | 'lines'>

function saidBy({ currency, isFree, lines }: Saying): Saying {
  return { currency, isFree, lines }
}

function saysTheSame(a: Saying, b: Saying): boolean {
  const text = (lines: readonly PriceLine[]) =>
    lines
      .map((it) => `${lineName(it)} ${it.nanos}`)
      .sort()
      .join()
  return a.currency === b.currency && a.isFree === b.isFree && text(a.lines) === text(b.lines)
}
