/** What is asked of whoever counts tokens, and what comes back. */
import type { EndpointName } from '@headgate/domain/endpoint'

/** What an answer said: texts taken out of a stream, a whole JSON answer, or null when nothing of it was seen. */
export type Said = readonly string[] | Buffer | null

export type CountQuestion = {
  /** By which the encoding is chosen. */
  readonly model: string
  readonly endpoint: EndpointName
  /** The body as the caller sent it, proved to be a JSON object. */
  readonly body: Buffer
  readonly said: Said
}

export type CountedTokens = { readonly input: number; readonly output: number }

/** A question on its way to the thread that counts. */
export type PostedQuestion = {
  readonly number: number
  readonly model: string
  readonly endpoint: EndpointName
  readonly body: Uint8Array
  readonly said: readonly string[] | Uint8Array | null
  /** How long the counting may take before it is given up. */
  readonly workMs: number
}

/** Null when it was given up, or could not be read. */
export type CountAnswer = { readonly number: number; readonly counted: CountedTokens | null }
