/**
 * Cost is what a call's usage comes to at a rate card: priced, free on purpose, unknown, or none because nothing
 * was used. The lines are summed exactly, multiplied by what was negotiated, and rounded up to a whole nano once
 * for the whole call. The formula stands in docs/guides/prices.md, where finance reads it.
 */
import { z } from 'zod'
import { type PriceKind, serviceTierOf } from './price-line.ts'
import { NO_RATE, type RateCard, type Rates } from './rate-card.ts'
import type { TokenUsage, UsageDetails } from './usage.ts'

const MILLION = 1_000_000
/** A millisecond in millionths of a second. */
const MS = 1_000
const NANOS = 1_000_000_000
const EXACT_MAX = Number.MAX_SAFE_INTEGER

export const CostState = z.enum(['priced', 'free', 'unknown', 'none'])

export type Cost = {
  /** Null unless `costState` is `priced`, or `free`, which is zero. */
  readonly costNanos: number | null
  readonly costState: z.infer<typeof CostState>
  readonly currency: string | null
  readonly priceId: string | null
  readonly agreementId: string | null
}

const nothing = { costNanos: null, currency: null, priceId: null, agreementId: null }
export const noCost: Cost = Object.freeze({ ...nothing, costState: 'none' })
const unknownCost: Cost = Object.freeze({ ...nothing, costState: 'unknown' })

/**
 * What a call cost, in nanos.
 * @param card what was in force when the call was sent; null when nothing was
 * @param serviceTier as the answer names it
 */
export function costOf(
  tokens: TokenUsage,
  card: RateCard | null,
  details: UsageDetails | null = null,
  serviceTier: string | null = null,
): Cost {
  if (tokens.input === 0 && tokens.output === 0 && details === null) return noCost
  if (card === null) return unknownCost
  const costNanos = card.isFree ? 0 : nanosOf(card, amountsOf(tokens, details), tokens.input, serviceTier)
  if (costNanos === null) return unknownCost
  return {
    costNanos,
    costState: card.isFree ? 'free' : 'priced',
    currency: card.currency,
    priceId: card.price?.id ?? null,
    agreementId: card.agreement?.id ?? null,
  }
}

/**
 * The most that text of such a length can cost, in nanos, however much of it is written to a cache; null when
 * that is unknown. For holding a call to its estimate before it is sent.
 */
export function costCeiling(
  card: RateCard | null,
  estimate: { readonly input: number; readonly output: number },
  serviceTier: string | null = null,
): number | null {
  if (card === null) return null
  if (card.isFree) return 0
  const rates = ratesFor(card, estimate.input, serviceTier)
  if (rates === null) return null
  const dearest = ['input', 'cached_input', 'cache_write', 'cache_write_long'] as const
  const input = dearest.reduce((a, b) => (rates[b] > rates[a] ? b : a))
  const output = rates.reasoning > rates.output ? 'reasoning' : 'output'
  const amounts: Amounts = [input, estimate.input, output, estimate.output, 'request', MILLION]
  return nanosOf(card, amounts, estimate.input, serviceTier)
}

/** Nanos as decimal text in units of a currency, exact: `0.019500000`. */
export function nanosText(nanos: number): string {
  const whole = Math.floor(nanos / NANOS)
  return `${whole}.${String(nanos % NANOS).padStart(9, '0')}`
}

/** Kinds and how much of each, one after the other: tokens and characters, or millionths of what is billed by one. */
type Amounts = (PriceKind | number)[]

/** @returns null when a kind has no rate, or the sum is more than a number can hold exactly */
function nanosOf(
  card: RateCard,
  amounts: Amounts,
  inputTokens: number,
  serviceTier: string | null,
): number | null {
  const rates = ratesFor(card, inputTokens, serviceTier)
  if (rates === null) return null
  let millionths = 0
  for (let i = 0; i < amounts.length; i += 2) {
    const rate = rates[amounts[i] as PriceKind]
    const amount = amounts[i + 1] as number
    if (amount === 0) continue
    if (rate === NO_RATE) {
      if (amounts[i] === 'request') continue
      return null
    }
    millionths += rate * amount
  }
  // Numbers are exact up to here; each product is smaller than the sum.
  if (millionths <= EXACT_MAX && card.multiplierMillionths === MILLION) {
    const rest = millionths % MILLION
    return (millionths - rest) / MILLION + (rest > 0 ? 1 : 0)
  }
  return bigNanosOf(rates, amounts, card.multiplierMillionths)
}

function bigNanosOf(rates: Rates, amounts: Amounts, multiplierMillionths: number): number | null {
  let millionths = 0n
  for (let i = 0; i < amounts.length; i += 2) {
    const rate = rates[amounts[i] as PriceKind]
    if (rate !== NO_RATE) millionths += BigInt(rate) * BigInt(amounts[i + 1] as number)
  }
  const whole = BigInt(MILLION) * BigInt(MILLION)
  const nanos = (millionths * BigInt(multiplierMillionths) + whole - 1n) / whole
  return nanos > BigInt(EXACT_MAX) ? null : Number(nanos)
}

function ratesFor(card: RateCard, inputTokens: number, told: string | null): Rates | null {
  const tier = serviceTierOf(told)
  const bands = tier === null ? undefined : card.bands.get(tier)
  if (bands === undefined) return null
  for (const band of bands) {
    if (inputTokens > band.aboveInputTokens || band.aboveInputTokens === 0) return band.rates
  }
  return null
}

/**
 * Parts the usage into what is billed. Whatever a provider says, no part is larger than what is left of its
 * whole: what was read from the cache is text as far as there is text, then sound, then pictures; what was
 * written to it is text that was not read from it.
 */
function amountsOf(tokens: TokenUsage, details: UsageDetails | null): Amounts {
  const { input, output } = tokens
  const cached = Math.min(tokens.cachedInput, input)
  if (details === null) {
    const reasoning = Math.min(tokens.reasoning, output)
    return [
      'input',
      input - cached,
      'cached_input',
      cached,
      'output',
      output - reasoning,
      'reasoning',
      reasoning,
      'request',
      MILLION,
    ]
  }
  const it = details
  const audio = Math.min(it.inputAudio ?? 0, input)
  const image = Math.min(it.inputImage ?? 0, input - audio)
  const text = input - audio - image
  const saidAudio = Math.min(it.cachedAudio ?? 0, audio, cached)
  const saidImage = Math.min(it.cachedImage ?? 0, image, cached - saidAudio)
  const cachedText = Math.min(cached - saidAudio - saidImage, text)
  const cachedAudio = Math.min(cached - cachedText - saidImage, audio)
  const cachedImage = Math.min(cached - cachedText - cachedAudio, image)
  const long = Math.min(it.cacheWriteLong ?? 0, text - cachedText)
  const write = Math.min(it.cacheWrite ?? 0, text - cachedText - long)
  const audioOut = Math.min(it.outputAudio ?? 0, output)
  const imageOut = Math.min(it.outputImage ?? 0, output - audioOut)
  const textOut = output - audioOut - imageOut
  const reasoning = Math.min(tokens.reasoning, textOut)
  return [
    ...(['input', text - cachedText - write - long, 'cached_input', cachedText] as const),
    ...(['cache_write', write, 'cache_write_long', long] as const),
    ...(['input_audio', audio - cachedAudio, 'cached_audio', cachedAudio] as const),
    ...(['input_image', image - cachedImage, 'cached_image', cachedImage] as const),
    ...(['output', textOut - reasoning, 'reasoning', reasoning] as const),
    ...(['output_audio', audioOut, 'output_image', imageOut] as const),
    ...(['tool_image_input', it.toolImageInput ?? 0, 'tool_image_output', it.toolImageOutput ?? 0] as const),
    ...([
      'input_second',
      (it.inputAudioMs ?? 0) * MS,
      'output_second',
      (it.outputAudioMs ?? 0) * MS,
    ] as const),
    ...(['input_character', it.inputCharacters ?? 0, 'image', (it.images ?? 0) * MILLION] as const),
    ...(['svg_input', it.svgInput ?? 0, 'svg_output', it.svgOutput ?? 0] as const),
    ...(['web_search', (it.webSearches ?? 0) * MILLION] as const),
    ...(['file_search', (it.fileSearches ?? 0) * MILLION] as const),
    ...(['code_container', (it.codeContainers ?? 0) * MILLION] as const),
    ...(['request', MILLION] as const),
  ]
}
