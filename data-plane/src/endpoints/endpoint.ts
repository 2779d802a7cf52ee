/**
 * An endpoint is one OpenAI v1 path, described as data: where its model, ceilings and usage are. It knows
 * bodies and nothing of addresses; upstreams know addresses and nothing of bodies, so there is no matrix.
 */
import type { EndpointName } from '@headgate/domain/endpoint'
import { type Estimate, estimateOf } from '@headgate/domain/estimate'
import type { Body } from '../message/body.ts'
import { fieldValue } from '../message/body.ts'
import type { BilledField } from './usage.ts'

const BYTES_PER_TOKEN = 4
/** What one inline image or file is held to weigh; its bytes say nothing about its tokens. */
export const INLINE_FILE_TOKENS = 1000
/** A larger count is none. */
const COUNT_MAX = 1_000_000_000

export type ForwardedEndpoint = {
  readonly kind: 'forwarded'
  readonly name: EndpointName
  readonly method: 'POST'
  /** Below `/v1` and `/openai/v1`. */
  readonly path: string
  /** Azure's dated API: below `/openai/deployments/{name}`, at `/openai`, or not offered there. */
  readonly datedAt: 'deployment' | 'resource' | 'nowhere'
  /** The model meant when the body names none; null when the body must name one. */
  readonly defaultModel: string | null
  readonly bodyBytesMax: number
  /** Body fields that cap the output, in order of precedence; empty when there is no output to cap. */
  readonly outputFields: readonly string[]
  /** How long an answer the provider makes when no ceiling is named; null: as long as the model can. */
  readonly unsaidOutputTokens: number | null
  /** Body fields that multiply the output. */
  readonly choiceFields: readonly string[]
  /** How a stream tells its usage: only when asked through `stream_options`, in its last event, or it cannot stream. */
  readonly streamUsage: 'on-request' | 'last-event' | 'no-stream'
  /** What its answers say beside `usage` that decides what they cost. */
  readonly billedBeside: readonly BilledField[]
  /** Whether its answers are billed by the token; what is not reported is then estimated. */
  readonly metered: boolean
  /**
   * Texts of which one must stand near the end of a whole stream. Each holds a raw line end or quote, which no
   * text of a model can, or its author could make a cut look like an end.
   */
  readonly finalMarks: readonly string[]
}

/** Answered by the gateway itself. */
export type LocalEndpoint = {
  readonly kind: 'local'
  readonly name: EndpointName
  readonly method: 'GET'
  readonly path: string
  /** The last path segment is a name (`/models/{model}`). */
  readonly named: boolean
  /** A path of the OpenAI API; else one of ours, below `/headgate`. */
  readonly isOpenAi: boolean
}

export type Endpoint = ForwardedEndpoint | LocalEndpoint

/**
 * What a call will use at most, in tokens, without reading its text: linear in the bytes, so no input can
 * make it slow. The output part is the caller's own ceiling times the number of choices asked for.
 * @param outputTokensMax the cap on one answer, if there is one
 */
export function estimateTokens(
  endpoint: ForwardedEndpoint,
  body: Body,
  outputTokensMax: number | null = null,
): Estimate {
  const { inlineBytes, inlineCount } = body.fields
  const textBytes = body.bytes.length - inlineBytes
  const input = Math.ceil(textBytes / BYTES_PER_TOKEN) + inlineCount * INLINE_FILE_TOKENS
  if (endpoint.outputFields.length === 0) return { input, output: 0 }
  let choices = 1
  for (const field of endpoint.choiceFields) choices = Math.max(choices, firstCount(body, [field]) ?? 1)
  const size = { inputTokens: input, outputTokens: firstCount(body, endpoint.outputFields), choices }
  return estimateOf(size, outputTokensMax)
}

/** The field that asks for most, and how much; Infinity for a value that is no count, whatever it may be read as. */
export type Asked = { readonly field: string; readonly count: number }

/** The longest answer the caller lets any field ask for; null when it names no ceiling. */
export function ceilingAsked(endpoint: ForwardedEndpoint, body: Body): Asked | null {
  return mostAsked(body, endpoint.outputFields)
}

/** The number of answers asked for; null when the caller says nothing of it, which means one. */
export function choicesAsked(endpoint: ForwardedEndpoint, body: Body): Asked | null {
  return mostAsked(body, endpoint.choiceFields)
}

function mostAsked(body: Body, fields: readonly string[]): Asked | null {
  let most: Asked | null = null
  for (const field of fields) {
    const value = fieldValue(body, field) ?? null
    if (value === null) continue
    const count = typeof value === 'number' && value >= 0 ? value : Number.POSITIVE_INFINITY
    if (most === null || count > most.count) most = { field, count }
  }
  return most
}

/** True when the body asks for a stream. Anything but `true` is left for the provider to judge. */
export function wantsStream(endpoint: ForwardedEndpoint, body: Body): boolean {
  if (endpoint.streamUsage === 'no-stream') return false
  const span = body.fields.spans.get('stream')
  // The scan has proved the value legal, so its first byte says it all: `t` can only begin `true`.
  return span !== undefined && body.bytes[span.start] === 0x74
}

function firstCount(body: Body, fields: readonly string[]): number | null {
  for (const field of fields) {
    const value = fieldValue(body, field)
    if (typeof value === 'number' && value >= 0 && value <= COUNT_MAX) return Math.ceil(value)
  }
  return null
}
