/** Prices of the shipped list: theirs, in our shape. */
import { isBilledByOne, type PriceKind, type ServiceTier } from '@headgate/domain/price-line'
import { ListedPrice } from '@headgate/domain/price-list'
import type { Entry, SourceModel } from './source-models.ts'

/** Their names of what is billed; the later of two that mean the same counts. Theirs is dollars for a single one. */
const kinds: readonly (readonly [string, PriceKind])[] = [
  ['input_cost_per_token', 'input'],
  ['cache_read_input_token_cost', 'cached_input'],
  ['cache_creation_input_token_cost', 'cache_write'],
  ['input_cost_per_audio_token', 'input_audio'],
  ['cache_read_input_audio_token_cost', 'cached_audio'],
  ['input_cost_per_image_token', 'input_image'],
  ['output_cost_per_token', 'output'],
  ['output_cost_per_reasoning_token', 'reasoning'],
  ['output_cost_per_audio_token', 'output_audio'],
  ['output_cost_per_image_token', 'output_image'],
  ['input_cost_per_character', 'input_character'],
  ['input_cost_per_second', 'input_second'],
  ['input_cost_per_image', 'image'],
]

const tiers: readonly (readonly [string, ServiceTier])[] = [
  ['', 'standard'],
  ['_flex', 'flex'],
  ['_priority', 'priority'],
  ['_batches', 'batch'],
]

const NANOS = 1e9

/** Which of their kinds of models have prices that we can bill by. */
export const pricedModes: ReadonlySet<string> = new Set([
  ...['chat', 'responses', 'completion', 'embedding', 'moderation', 'realtime'],
  ...['image_generation', 'audio_transcription', 'audio_speech'],
])

/** None where theirs says nothing of what it costs. */
export function listedPrice({ model, provider, entry }: SourceModel): ListedPrice[] {
  // Where pictures are not what is made, their price for one is that of a picture shown to the model.
  const made = kinds.filter(([, kind]) => kind !== 'image' || entry['mode'] === 'image_generation')
  const lines = made.flatMap(([theirs, kind]) => linesOf(entry, theirs, kind))
  const paid = lines.filter((it) => it.nanos > 0)
  if (lines.length === 0) return []
  // Embeddings are listed with an output that costs nothing: a line that says so keeps it from being unknown.
  return [
    ListedPrice.parse({
      model,
      provider,
      currency: 'USD',
      isFree: paid.length === 0,
      lines: paid.length === 0 ? [] : lines,
    }),
  ]
}

function linesOf(entry: Entry, theirs: string, kind: PriceKind) {
  return tiers.flatMap(([suffix, serviceTier]) => {
    const pattern = new RegExp(`^${theirs}(?:_above_(\\d+)k_tokens)?${suffix}$`)
    return Object.entries(entry).flatMap(([field, dollars]) => {
      const match = pattern.exec(field)
      if (match === null || typeof dollars !== 'number') return []
      const nanos = nanosOf(dollars, kind)
      return [{ kind, nanos, serviceTier, aboveInputTokens: Number(match[1] ?? 0) * 1000 }]
    })
  })
}

/** Whole nanos: rounded up, but for what only binary fractions make of a whole number. */
function nanosOf(dollars: number, kind: PriceKind): number {
  const exact = dollars * NANOS * (isBilledByOne(kind) ? 1 : 1e6)
  const nearest = Math.round(exact)
  return Math.abs(exact - nearest) < 0.01 ? nearest : Math.ceil(exact)
}
