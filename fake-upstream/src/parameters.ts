/**
 * Parameters: the fields of a request body, read and checked. A wrong one is refused in the provider's words:
 * a 400 that names the parameter and says what was expected.
 */
import { invalid } from './refusal.ts'

export type Body = Readonly<Record<string, unknown>>

/** Whether a value is a JSON object, not a list. */
export function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A text, or undefined where the field is absent or null. Throws Refused for another type. */
export function readText(body: Body, name: string): string | undefined {
  const value = body[name] ?? undefined
  if (value === undefined || typeof value === 'string') return value
  throw wrongType(name, 'a string', value)
}

/** The service tier an answer names: the one asked for, where there is such a one, else `default`. */
export function answeredTier(body: Body): string {
  const asked = readText(body, 'service_tier')
  return asked === 'flex' || asked === 'priority' ? asked : 'default'
}

/** A boolean, false where absent. Throws Refused for another type. */
export function readFlag(body: Body, name: string): boolean {
  const value = body[name] ?? false
  if (typeof value === 'boolean') return value
  throw wrongType(name, 'a boolean', value)
}

/** A whole number within bounds (both included), or undefined where absent. Throws Refused otherwise. */
export function readInteger(
  body: Body,
  name: string,
  bounds: { min: number; max: number },
): number | undefined {
  const value = body[name] ?? undefined
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(name, 'an integer', value)
  if (value < bounds.min) {
    const message = `Invalid '${name}': integer below minimum value. Expected a value >= ${bounds.min}, but got ${value} instead.`
    throw invalid(message, name, 'integer_below_min_value')
  }
  if (value > bounds.max) {
    const message = `Invalid '${name}': integer above maximum value. Expected a value <= ${bounds.max}, but got ${value} instead.`
    throw invalid(message, name, 'integer_above_max_value')
  }
  return value
}

/** A list, or undefined where absent. Throws Refused for another type. */
export function readList(body: Body, name: string): readonly unknown[] | undefined {
  const value = body[name] ?? undefined
  if (value === undefined || Array.isArray(value)) return value
  throw wrongType(name, 'an array', value)
}

/**
 * `stream_options` of chat completions and completions. Throws Refused when it is given without `stream`.
 */
export function readStreamOptions(body: Body): { includeUsage: boolean; includeObfuscation: boolean } {
  const options = body['stream_options'] ?? undefined
  if (options === undefined) return { includeUsage: false, includeObfuscation: false }
  if (body['stream'] !== true) {
    throw invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
    )
  }
  if (!isObject(options)) throw wrongType('stream_options', 'an object', options)
  return {
    includeUsage: options['include_usage'] === true,
    includeObfuscation: options['include_obfuscation'] === true,
  }
}

/**
 * A `prompt` (completions) or `input` (embeddings) cut into its pieces: one text, several texts, one list of token
 * ids, or several. Throws Refused for an empty list or anything else.
 */
export function readInputs(body: Body, name: string): readonly (string | readonly number[])[] {
  const value = body[name] ?? undefined
  if (typeof value === 'string') return [value]
  if (!Array.isArray(value)) throw wrongType(name, 'a string or an array', value)
  if (value.length === 0) throw invalid(`Invalid '${name}': empty array.`, name, 'empty_array')
  if (value.every(isTokenId)) return [value]
  if (value.every((item) => typeof item === 'string' || (Array.isArray(item) && item.every(isTokenId))))
    return value
  throw wrongType(name, 'strings or arrays of token ids', value)
}

function isTokenId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

/** The refusal for a field that is not there. */
export function missing(name: string): Error {
  return invalid(`Missing required parameter: '${name}'.`, name, 'missing_required_parameter')
}

function wrongType(name: string, expected: string, value: unknown): Error {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
  return invalid(
    `Invalid type for '${name}': expected ${expected}, but got ${got} instead.`,
    name,
    'invalid_type',
  )
}
