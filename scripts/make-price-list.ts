/**
 * Makes the shipped price list from LiteLLM's public one (MIT): OpenAI's and Azure's models, in our shape.
 * Prices that name a source of their own in the shipped list of before are kept.
 * `node scripts/make-price-list.ts <model_prices_and_context_window.json> <its day>`
 */
import { readFile, writeFile } from 'node:fs/promises'
import { isBilledByOne, type PriceKind, type ServiceTier } from '@headgate/domain/price-line'
import { ListedPrice, PriceList } from '@headgate/domain/price-list'

type Entry = Readonly<Record<string, unknown>>

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

const providers = {
  openai: 'openai',
  'text-completion-openai': 'openai',
  azure: 'azure',
  azure_text: 'azure',
} as const
const modes = new Set([
  'chat',
  'responses',
  'completion',
  'embedding',
  'moderation',
  'realtime',
  'image_generation',
  'audio_transcription',
  'audio_speech',
])
const NANOS = 1e9
const SHIPPED = new URL('../control-plane/src/resources/prices/shipped-list.json', import.meta.url)

function listed(name: string, entry: Entry): ListedPrice[] {
  const provider = providers[String(entry.litellm_provider) as keyof typeof providers]
  const model = name.replace(/^(azure|text-completion-openai)\//, '')
  // What has a slash left is a region, a size or a step count, not a model that a deployment can name.
  if (provider === undefined || !modes.has(String(entry.mode)) || model.includes('/')) return []
  // Where pictures are not what is made, their price for one is that of a picture shown to the model.
  const made = kinds.filter(([, kind]) => kind !== 'image' || entry.mode === 'image_generation')
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

const [path, day] = process.argv.slice(2)
if (path === undefined || day === undefined) throw new Error('give the path of their file and its day')
const theirs = JSON.parse(await readFile(path, 'utf8')) as Record<string, Entry>
const before = PriceList.parse(JSON.parse(await readFile(SHIPPED, 'utf8')))
const found = Object.entries(theirs).flatMap(([name, entry]) => listed(name, entry))
const kept = before.prices.filter((it) => it.source !== null)
// One model can stand twice, with its provider in its name and without; the first counts, and what is kept last.
const prices = [...new Map([...found.reverse(), ...kept].map((it) => [`${it.provider} ${it.model}`, it]))]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([, price]) => price)
const list = PriceList.parse({ source: 'LiteLLM model_prices_and_context_window.json', day, prices })
const lines = list.prices.map((it) => `    ${JSON.stringify(it)}`).join(',\n')
const head = `{\n  "source": ${JSON.stringify(list.source)},\n  "day": "${list.day}",\n  "prices": [\n`
await writeFile(SHIPPED, `${head}${lines}\n  ]\n}\n`)
