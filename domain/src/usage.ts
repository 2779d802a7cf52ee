/**
 * Usage is what one call used: tokens by kind, as OpenAI nests them, and what is billed in other units. Most
 * calls have none of the details, so they are one field that is null. Fields of a provider that we do not know
 * are left alone; what we know is always a count.
 */
import { z } from 'zod'

export const Count = z.int().min(0)

/** `cachedInput` is a part of `input`; `reasoning` is a part of `output`. */
export const TokenUsage = z.object({ input: Count, cachedInput: Count, output: Count, reasoning: Count })
export type TokenUsage = z.infer<typeof TokenUsage>

export const noTokens: TokenUsage = Object.freeze({ input: 0, cachedInput: 0, output: 0, reasoning: 0 })

const Some = Count.optional()

/** What is absent is zero. Parts of tokens are counted in their whole too; the rest stands beside tokens. */
export const UsageDetails = z.object({
  /** Parts of `input` that the provider wrote to its cache: for minutes, and for hours. */
  cacheWrite: Some,
  cacheWriteLong: Some,
  /** Parts of `input` that were sound and pictures, and which of these came from the cache. */
  inputAudio: Some,
  inputImage: Some,
  cachedAudio: Some,
  cachedImage: Some,
  /** Parts of `output`. */
  outputAudio: Some,
  outputImage: Some,
  /** Sound heard and made, in milliseconds, where it is billed by its length. */
  inputAudioMs: Some,
  outputAudioMs: Some,
  /** Characters read aloud. */
  inputCharacters: Some,
  /** Pictures made, where they are billed by the piece. */
  images: Some,
  /** Searches of the web by a hosted tool. */
  webSearches: Some,
  /** Tokens of the hosted tool that makes pictures, which another model bills. */
  toolImageInput: Some,
  toolImageOutput: Some,
  /** Tokens of the model that draws vector pictures, which is another one too. */
  svgInput: Some,
  svgOutput: Some,
  /** Searches of files, and containers that code ran in, by hosted tools. */
  fileSearches: Some,
  codeContainers: Some,
})
export type UsageDetails = z.infer<typeof UsageDetails>

/** `serviceTier` as the answer names it; null when it names none. */
export type Usage = {
  readonly tokens: TokenUsage
  readonly details: UsageDetails | null
  readonly serviceTier: string | null
}
