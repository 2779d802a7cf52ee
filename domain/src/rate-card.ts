/**
 * A rate card is what a deployment costs from an instant on: the price in force and the agreement in force,
 * joined and laid out by service tier and length of input when the catalog is opened. A call looks it up once.
 */
import type { Agreement } from './agreement.ts'
import type { Price, Provider } from './price.ts'
import { isBilledByOne, type PriceKind, type PriceLine, priceKinds, ServiceTier } from './price-line.ts'
import type { Validity } from './validity.ts'

/** A kind that no line speaks of, not even through the kind it is a part of. */
export const NO_RATE = -1

/** Nanos for a million, or for one, of each kind; `NO_RATE` where there is no line. */
export type Rates = Readonly<Record<PriceKind, number>>

/** The rates of inputs longer than so many tokens. */
export type Band = { readonly aboveInputTokens: number; readonly rates: Rates }

export type RateCard = {
  readonly price: Readonly<Price> | null
  readonly agreement: Readonly<Agreement> | null
  readonly currency: string
  readonly isFree: boolean
  /** 1 000 000 where nothing was negotiated. */
  readonly multiplierMillionths: number
  /** Longest inputs first; a tier without lines is absent. */
  readonly bands: ReadonlyMap<ServiceTier, readonly Band[]>
}

/** What holds from an instant on; `card` is null when nothing does, so that costs are unknown. */
export type RatePeriod = { readonly fromMs: number; readonly card: RateCard | null }

/** Where the prices are looked for. */
export type RatePlace = {
  readonly provider: Provider
  readonly resourceId: string
  readonly deploymentId: string
}

/**
 * The periods of one deployment, latest first, without end: whatever begins or ends begins a new one.
 * @param prices of its model, of any provider
 */
export function ratePeriods(
  prices: readonly Price[],
  agreements: readonly Agreement[],
  place: RatePlace,
): readonly RatePeriod[] {
  const here = prices.filter((it) => it.provider === null || it.provider === place.provider)
  const agreed = agreements.filter(
    (it) => it.deploymentId === place.deploymentId || it.resourceId === place.resourceId,
  )
  const instants = new Set<number>()
  for (const it of [...here, ...agreed]) {
    instants.add(Date.parse(it.effectiveFrom))
    if (it.effectiveTo !== null) instants.add(Date.parse(it.effectiveTo))
  }
  return [...instants]
    .sort((a, b) => b - a)
    .map((fromMs) => ({
      fromMs,
      card: cardOf(
        inForce(here, fromMs, (it) => it.provider !== null),
        inForce(agreed, fromMs, (it) => it.deploymentId !== null),
      ),
    }))
}

type Dated = Validity & { readonly id: string }

/** The one that holds: a special one before a general one, then the one that began last. */
export function inForce<T extends Dated>(
  things: readonly T[],
  nowMs: number,
  isSpecial: (it: T) => boolean,
): T | null {
  let best: T | null = null
  for (const it of things) {
    if (Date.parse(it.effectiveFrom) > nowMs) continue
    if (it.effectiveTo !== null && Date.parse(it.effectiveTo) <= nowMs) continue
    if (best === null || isStronger(it, best, isSpecial)) best = it
  }
  return best
}

function isStronger<T extends Dated>(a: T, b: T, isSpecial: (it: T) => boolean): boolean {
  if (isSpecial(a) !== isSpecial(b)) return isSpecial(a)
  const later = Date.parse(a.effectiveFrom) - Date.parse(b.effectiveFrom)
  return later === 0 ? a.id > b.id : later > 0
}

function cardOf(price: Price | null, agreement: Agreement | null): RateCard | null {
  const reserved = agreement?.reservedNanosPerHour != null
  if (price === null && !reserved) return null
  return {
    price,
    agreement,
    currency: price?.currency ?? agreement?.currency ?? '',
    isFree: reserved || price?.isFree === true,
    multiplierMillionths: agreement?.multiplierMillionths ?? 1_000_000,
    bands: bandsOf(price?.lines ?? []),
  }
}

function bandsOf(lines: readonly PriceLine[]): RateCard['bands'] {
  const bands = new Map<ServiceTier, readonly Band[]>()
  for (const tier of ServiceTier.options) {
    const own = lines.filter((it) => it.serviceTier === tier)
    if (own.length === 0) continue
    const starts = new Set([0, ...own.map((it) => it.aboveInputTokens)])
    const longestFirst = [...starts].sort((a, b) => b - a)
    bands.set(
      tier,
      longestFirst.map((aboveInputTokens) => ({
        aboveInputTokens,
        rates: ratesOf(lines, tier, aboveInputTokens),
      })),
    )
  }
  return bands
}

function ratesOf(lines: readonly PriceLine[], tier: ServiceTier, aboveInputTokens: number): Rates {
  const rate = (kind: PriceKind) => {
    const own = strongest(lines, kind, { tier, aboveInputTokens })
    return own === NO_RATE && isBilledByOne(kind)
      ? strongest(lines, kind, { tier: 'standard', aboveInputTokens })
      : own
  }
  const rates = Object.fromEntries(priceKinds.map((kind) => [kind, rate(kind)])) as Record<PriceKind, number>
  return fillIn(rates)
}

/** Of a kind's lines in a tier, the one with the highest threshold that is reached. */
function strongest(
  lines: readonly PriceLine[],
  kind: PriceKind,
  { tier, aboveInputTokens }: { tier: ServiceTier; aboveInputTokens: number },
): number {
  let best: PriceLine | null = null
  for (const it of lines) {
    if (it.kind !== kind || it.serviceTier !== tier || it.aboveInputTokens > aboveInputTokens) continue
    if (best === null || it.aboveInputTokens > best.aboveInputTokens) best = it
  }
  return best?.nanos ?? NO_RATE
}

/**
 * A kind without a line of its own costs what the kind costs that it is a part of. Sound, and pictures that are
 * made, are never billed as text: without a line their cost is unknown.
 */
function fillIn(own: Record<PriceKind, number>): Rates {
  const rates = { ...own }
  const takes = (kind: PriceKind, from: PriceKind) => {
    if (rates[kind] === NO_RATE) rates[kind] = rates[from]
  }
  const makesOneKind = (own.output_image === NO_RATE) !== (own.output_audio === NO_RATE)
  if (makesOneKind) takes('output', own.output_image === NO_RATE ? 'output_audio' : 'output_image')
  takes('reasoning', 'output')
  takes('cached_input', 'input')
  takes('cache_write', 'input')
  takes('cache_write_long', 'cache_write')
  takes('cached_image', own.input_image === NO_RATE ? 'cached_input' : 'input_image')
  takes('input_image', 'input')
  takes('cached_audio', 'input_audio')
  return Object.freeze(rates)
}
