/**
 * A refusal: an answer that is an error, in the shape the provider gives it. OpenAI has four keys, always all
 * four; Azure's front door (401, 404, 429) has `code` and `message` only. Which shape is sent depends on the path.
 */
import type { ApiStyle } from './api-style.ts'

export type Refusal = {
  status: number
  message: string
  type?: string
  param?: string | null
  code?: string | null
  /** Set where Azure's front door answers, not the model behind it: its own code, and its own words. */
  azure?: { code: string; message: string }
  headers?: Readonly<Record<string, string>>
  /** A whole error object, where the provider's has more keys. */
  error?: Readonly<Record<string, unknown>>
  /** No body, but these headers (redirects). */
  bodiless?: boolean
}

/** Thrown while a request is read and checked; turned into an answer in one place, server.ts. */
export class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** A 400 `invalid_request_error` about one parameter. */
export function invalid(message: string, param: string | null = null, code: string | null = null): Refused {
  return new Refused({ status: 400, message, param, code })
}

/** The JSON body of a refusal, in the shape of the API that was called. */
export function refusalBody(refusal: Refusal, style: ApiStyle): string {
  if (refusal.bodiless === true) return ''
  if (refusal.error !== undefined) return JSON.stringify({ error: refusal.error })
  if (refusal.azure !== undefined && style !== 'openai') return JSON.stringify({ error: refusal.azure })
  const { message, type = 'invalid_request_error', param = null, code = null } = refusal
  return JSON.stringify({ error: { message, type, param, code } })
}
