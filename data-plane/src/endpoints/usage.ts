/**
 * Reads usage as providers report it. Two namings are in use (`prompt_tokens` and `input_tokens`); figures
 * that cannot be counts are not believed, and then the call is estimated instead of credited.
 */
import type { TokenUsage } from '@headgate/domain/usage-record'
import { JsonFault, scanJsonObject } from '../message/json-scan.ts'

const COUNT_MAX = 1_000_000_000
const PARSED_BYTES_MAX = 16_384
const NEAR_END_BYTES = 2048
const USAGE_FIELD = Buffer.from('"usage"')

type Json = Record<string, unknown>

/** Usage from a `usage` object of any endpoint; null when it is absent or cannot be believed. */
export function readUsage(value: unknown): TokenUsage | null {
  if (!isObject(value)) return null
  const input = count(value.prompt_tokens ?? value.input_tokens)
  const output = count(value.completion_tokens ?? value.output_tokens ?? 0)
  if (input === null || output === null) return null
  const inputParts = value.prompt_tokens_details ?? value.input_tokens_details
  const outputParts = value.completion_tokens_details ?? value.output_tokens_details
  const cachedInput = isObject(inputParts) ? count(inputParts.cached_tokens) : 0
  const reasoning = isObject(outputParts) ? count(outputParts.reasoning_tokens) : 0
  return {
    input,
    cachedInput: Math.min(cachedInput ?? 0, input),
    output,
    reasoning: Math.min(reasoning ?? 0, output),
  }
}

/**
 * Usage from a whole JSON reply. Only the top level counts: a caller could plant a `usage` object deeper,
 * for instance in a tool's schema that the reply repeats. Where it is not found near the end, a short reply
 * is parsed, which is quickest; in a long one the scan finds the one value without building the others.
 */
export function usageOfReply(reply: Buffer): TokenUsage | null {
  try {
    const nearEnd = usageNearEnd(reply)
    if (nearEnd !== null) return readUsage(nearEnd)
    if (reply.length <= PARSED_BYTES_MAX) {
      // Only numbers are read, so the bytes of texts need not be decoded.
      const parsed: unknown = JSON.parse(reply.toString('latin1'))
      return isObject(parsed) ? readUsage(parsed.usage) : null
    }
    const span = scanJsonObject(reply, Number.POSITIVE_INFINITY).spans.get('usage')
    return span ? readUsage(JSON.parse(reply.toString('utf8', span.start, span.end))) : null
  } catch (fault) {
    if (fault instanceof JsonFault || fault instanceof SyntaxError) return null
    throw fault
  }
}

/**
 * The value of a `usage` field that stands in the last bytes of a reply, as most providers place it. Proof that
 * it is at the top level: what follows it, put after an opening brace, is a whole object, so the brace that
 * closes its object is the last of the reply. Null when it is not so.
 */
function usageNearEnd(reply: Buffer): unknown {
  const from = reply.lastIndexOf(USAGE_FIELD)
  if (from < 0 || reply.length - from > NEAR_END_BYTES) return null
  try {
    const rest: unknown = JSON.parse(`{${reply.toString('latin1', from)}`)
    return isObject(rest) && isObject(rest.usage) ? rest.usage : null
  } catch {
    return null
  }
}

/** What an event of a stream says: its usage if it holds one, and whether it holds nothing else. */
export type EventUsage = { usage: TokenUsage; bare: boolean }

/** Usage from one parsed event: at its top level (chat, completions) or in its `response` (responses). */
export function usageOfEvent(event: unknown): EventUsage | null {
  if (!isObject(event)) return null
  const holder =
    isObject(event.response) && String(event.type).startsWith('response.') ? event.response : event
  const usage = readUsage(holder.usage)
  if (usage === null) return null
  return { usage, bare: Array.isArray(event.choices) && event.choices.length === 0 }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= COUNT_MAX
    ? value
    : null
}
