/**
 * A price line is what one kind of usage costs within a price: in one service tier, above one length of input.
 * All amounts are integers, in nanos: for a million where the kind is tokens or characters, else for one.
 */
import { z } from 'zod'

/** Billed for a million. */
const perMillion = [
  'input',
  'cached_input',
  'cache_write',
  'cache_write_long',
  'input_audio',
  'cached_audio',
  'input_image',
  'cached_image',
  'output',
  'reasoning',
  'output_audio',
  'output_image',
  'tool_image_input',
  'tool_image_output',
  'svg_input',
  'svg_output',
  'input_character',
] as const

/** Billed for one; they are the same in every service tier unless a line says otherwise. */
const perOne = [
  'input_second',
  'output_second',
  'image',
  'web_search',
  'file_search',
  'code_container',
  'request',
] as const

export const priceKinds = [...perMillion, ...perOne] as const
export const PriceKind = z.enum(priceKinds)
export type PriceKind = z.infer<typeof PriceKind>

/** True for kinds whose lines say what a single one costs. */
export function isBilledByOne(kind: PriceKind): boolean {
  return (perOne as readonly string[]).includes(kind)
}

/** How fast, and at what price, a provider serves a call; answers name it in `service_tier`. */
export const ServiceTier = z.enum(['standard', 'flex', 'priority', 'batch', 'scale'])
export type ServiceTier = z.infer<typeof ServiceTier>

/** Answers say `default`, or nothing, for the standard tier. Null: a tier that no price can speak of. */
export function serviceTierOf(told: string | null): ServiceTier | null {
  if (told === null || told === 'default' || told === 'auto') return 'standard'
  const known = ServiceTier.safeParse(told)
  return known.success ? known.data : null
}

export const PriceLine = z.object({
  kind: PriceKind,
  /** At most a million currency units. */
  nanos: z.int().min(0).max(1_000_000_000_000_000),
  serviceTier: ServiceTier.default('standard'),
  /** Holds for the whole of a call whose input is longer than this, in tokens. */
  aboveInputTokens: z.int().min(0).max(1_000_000_000).default(0),
})
export type PriceLine = z.infer<typeof PriceLine>

/** What a line is about: no price has two of the same. */
export function lineName(line: PriceLine): string {
  return `${line.kind} ${line.serviceTier} ${line.aboveInputTokens}`
}
