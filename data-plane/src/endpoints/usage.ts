/**
 * Reads usage as providers report it, in every shape the endpoints have. Two namings are in use (`prompt_tokens`
 * and `input_tokens`), and lengths in seconds besides; figures that cannot be counts are not believed, and then
 * the call is estimated instead of credited. Only the top level of an answer counts, or a caller could plant one.
 */
import type { Usage, UsageDetails } from '@headgate/domain/usage'
import { JsonFault, scanJsonObject } from '../message/json-scan.ts'
import { mayHoldToolCalls, toolCallsOf } from './hosted-tools.ts'

const COUNT_MAX = 1_000_000_000
const PARSED_BYTES_MAX = 16_384
/** How much of the end of an answer is parsed, and looked through, before all of it is scanned. */
const NEAR_END_BYTES = 4096
const SERVICE_TIER_LENGTH_MAX = 32
const USAGE = Buffer.from('"usage"')
const BESIDE = {
  service_tier: Buffer.from('"service_tier"'),
  tool_usage: Buffer.from('"tool_usage"'),
  svg_usage: Buffer.from('"svg_usage"'),
} as const
const PICTURE = Buffer.from('"b64_json"')
const PICTURE_LINK = Buffer.from('"url"')

type Json = Record<string, unknown>

/** Fields beside `usage` that say what is billed, where an endpoint has them. */
export type BilledField = keyof typeof BESIDE

/** Usage from what holds a `usage` object: an answer, an event, or its `response`. Null when it has none to believe. */
export function readUsage(holder: unknown): Usage | null {
  if (!isObject(holder)) return null
  const { usage } = holder
  if (!isObject(usage)) return null
  if (usage.type === 'duration') return usageOfSeconds(usage.seconds)
  const input = count(usage.prompt_tokens ?? usage.input_tokens)
  const output = count(usage.completion_tokens ?? usage.output_tokens ?? 0)
  if (input === null || output === null) return null
  // Transcriptions and realtime write the singular.
  const inputParts = usage.prompt_tokens_details ?? usage.input_tokens_details ?? usage.input_token_details
  const outputParts =
    usage.completion_tokens_details ?? usage.output_tokens_details ?? usage.output_token_details
  const tokens = {
    input,
    cachedInput: part(inputParts, 'cached_tokens', input),
    output,
    reasoning: part(outputParts, 'reasoning_tokens', output),
  }
  const details = detailsOf(holder, { inputParts, outputParts, input, output })
  return { tokens, details, serviceTier: tierOf(holder.service_tier) }
}

type Parts = { inputParts: unknown; outputParts: unknown; input: number; output: number }

/** Null where there is nothing special, which is nearly always. */
function detailsOf(holder: Json, { inputParts, outputParts, input, output }: Parts): UsageDetails | null {
  const details: UsageDetails = {}
  let some = false
  const note = (field: keyof UsageDetails, amount: number) => {
    if (amount === 0) return
    details[field] = amount
    some = true
  }
  if (isObject(inputParts)) {
    const written = part(inputParts, 'cache_write_tokens', input)
    const long = part(inputParts.cache_write_tokens_details, 'ttl_12h_tokens', written)
    note('cacheWrite', written - long)
    note('cacheWriteLong', long)
    note('inputAudio', part(inputParts, 'audio_tokens', input))
    note('inputImage', part(inputParts, 'image_tokens', input))
    note('cachedAudio', part(inputParts.cached_tokens_details, 'audio_tokens', input))
    note('cachedImage', part(inputParts.cached_tokens_details, 'image_tokens', input))
  }
  if (isObject(outputParts)) {
    note('outputAudio', part(outputParts, 'audio_tokens', output))
    note('outputImage', part(outputParts, 'image_tokens', output))
  }
  const tools = holder.tool_usage
  if (isObject(tools)) {
    note('webSearches', part(tools.web_search, 'num_requests', COUNT_MAX))
    note('toolImageInput', part(tools.image_gen, 'input_tokens', COUNT_MAX))
    note('toolImageOutput', part(tools.image_gen, 'output_tokens', COUNT_MAX))
  }
  if (isObject(holder.svg_usage)) {
    note('svgInput', part(holder.svg_usage, 'input_tokens', COUNT_MAX))
    note('svgOutput', part(holder.svg_usage, 'output_tokens', COUNT_MAX))
  }
  if (Array.isArray(holder.output)) {
    const { fileSearches, codeContainers } = toolCallsOf(holder.output)
    note('fileSearches', fileSearches)
    note('codeContainers', codeContainers)
  }
  return some ? details : null
}

/** What is billed by the length of the sound that was heard. */
function usageOfSeconds(seconds: unknown): Usage | null {
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= COUNT_MAX / 1000)) return null
  const inputAudioMs = Math.ceil(seconds * 1000)
  return unitsOnly({ inputAudioMs })
}

function unitsOnly(details: UsageDetails): Usage {
  return { tokens: { input: 0, cachedInput: 0, output: 0, reasoning: 0 }, details, serviceTier: null }
}

/**
 * Usage from a whole JSON answer. The fields sought stand near its end with most providers, and are read there;
 * else a short answer is parsed, which is quickest, and a long one scanned without building its other values.
 * @param beside the fields to look for besides
 */
export function usageOfReply(reply: Buffer, beside: readonly BilledField[]): Usage | null {
  try {
    const near = fieldsNearEnd(reply, beside)
    const withTools = beside.includes('tool_usage') && mayHoldToolCalls(reply)
    if (near !== null && !withTools) return readUsage(near)
    if (reply.length <= PARSED_BYTES_MAX) {
      // Only numbers and plain names are read, so the bytes of texts need not be decoded.
      const parsed: unknown = JSON.parse(reply.toString('latin1'))
      return isObject(parsed)
        ? (readUsage(parsed) ?? usageOfUnits(parsed.duration, parsed.data, reply))
        : null
    }
    const { spans } = scanJsonObject(reply, Number.POSITIVE_INFINITY)
    const fieldOf = (name: string): unknown => {
      const span = spans.get(name)
      return span === undefined ? undefined : JSON.parse(reply.toString('utf8', span.start, span.end))
    }
    const holder: Json = { usage: fieldOf('usage') }
    for (const name of beside) holder[name] = fieldOf(name)
    if (withTools) holder.output = fieldOf('output')
    return readUsage(holder) ?? usageOfUnits(fieldOf('duration'), spans.has('data') ? [] : undefined, reply)
  } catch (fault) {
    if (fault instanceof JsonFault || fault instanceof SyntaxError) return null
    throw fault
  }
}

/**
 * The fields that stand in the last bytes of an answer, as most providers place them. Proof that they are at the
 * top level: what follows the first of them, put after an opening brace, is a whole object, so the brace that
 * closes its object is the last of the answer. Null when it is not so: a caller may have planted one deeper.
 */
function fieldsNearEnd(reply: Buffer, beside: readonly BilledField[]): Json | null {
  let from = reply.lastIndexOf(USAGE)
  if (from < 0) return null
  const found: BilledField[] = []
  for (const name of beside) {
    const at = reply.lastIndexOf(BESIDE[name])
    if (at < 0) continue
    found.push(name)
    if (at < from) from = at
  }
  if (reply.length - from > NEAR_END_BYTES) return null
  try {
    const rest: unknown = JSON.parse(`{${reply.toString('latin1', from)}`)
    if (!isObject(rest) || !isObject(rest.usage)) return null
    for (const name of found) if (!Object.hasOwn(rest, name)) return null
    return rest
  } catch {
    return null
  }
}

/** Answers without `usage`: of sound its length is told, of pictures there are so many. */
function usageOfUnits(duration: unknown, data: unknown, reply: Buffer): Usage | null {
  // Some write the length as text.
  const seconds = typeof duration === 'string' ? Number(duration) : duration
  if (seconds !== undefined) return usageOfSeconds(seconds)
  if (!Array.isArray(data)) return null
  const images = occurrences(reply, PICTURE) || occurrences(reply, PICTURE_LINK)
  return images > 0 ? unitsOnly({ images }) : null
}

/** Names of fields can be counted in the bytes: inside of a text their quotes are escaped. */
function occurrences(reply: Buffer, name: Buffer): number {
  let found = 0
  for (let at = reply.indexOf(name); at >= 0; at = reply.indexOf(name, at + name.length)) found++
  return found
}

/** What an event of a stream says: its usage if it holds one, and whether it holds nothing else. */
export type EventUsage = { usage: Usage; bare: boolean }

/** Usage from one parsed event: at its top level (chat, images, sound) or in its `response` (responses, realtime). */
export function usageOfEvent(event: unknown): EventUsage | null {
  if (!isObject(event)) return null
  const holder =
    isObject(event.response) && String(event.type).startsWith('response.') ? event.response : event
  const usage = readUsage(holder)
  if (usage === null) return null
  return { usage, bare: Array.isArray(event.choices) && event.choices.length === 0 }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function tierOf(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, SERVICE_TIER_LENGTH_MAX) : null
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX
    ? value
    : null
}

/** A part is a count, and no larger than its whole; else it is nothing. */
function part(parts: unknown, name: string, whole: number): number {
  return isObject(parts) ? Math.min(count(parts[name]) ?? 0, whole) : 0
}
