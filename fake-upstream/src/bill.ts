/**
 * The bill: the tokens a call used, by kind, and the shapes in which each endpoint reports them as `usage`.
 * As at the provider, cached tokens are part of the prompt and reasoning tokens are part of the completion.
 */
import type { Behaviour } from './behaviour.ts'

/** Tokens by kind. `total` is prompt plus completion. */
export type Bill = {
  prompt: number
  cached: number
  completion: number
  reasoning: number
  total: number
  /** Parts of the prompt: written to the cache, sound, pictures; and the part of the completion that is sound. */
  written: number
  audioIn: number
  imageIn: number
  audioOut: number
}

/** The bill of a call that used nothing. */
export function emptyBill(): Bill {
  const parts = { written: 0, audioIn: 0, imageIn: 0, audioOut: 0 }
  return { prompt: 0, cached: 0, completion: 0, reasoning: 0, total: 0, ...parts }
}

/**
 * The bill of a whole answer. `prompt` and `completion` are the tokens counted; the behaviour may replace them
 * (`usage-<prompt>-<completion>`), call part of the prompt cached, or add hidden reasoning to the completion.
 */
export function makeBill(prompt: number, completion: number, behaviour: Behaviour): Bill {
  const { exactUsage, cachedTokens, reasoningTokens } = behaviour
  const promptTokens = exactUsage?.prompt ?? prompt
  const completionTokens = exactUsage?.completion ?? completion + reasoningTokens
  const cached = cachedTokens === 'half' ? Math.floor(promptTokens / 2) : Math.min(cachedTokens, promptTokens)
  return {
    prompt: promptTokens,
    cached,
    completion: completionTokens,
    reasoning: Math.min(reasoningTokens, completionTokens),
    total: promptTokens + completionTokens,
    ...partsOf(behaviour.everyKind ? promptTokens : 0, behaviour.everyKind ? completionTokens : 0),
  }
}

/** A quarter of the prompt each is written to the cache and sound, an eighth is pictures; half the completion is sound. */
function partsOf(prompt: number, completion: number) {
  const quarter = Math.floor(prompt / 4)
  return {
    written: quarter,
    audioIn: quarter,
    imageIn: Math.floor(prompt / 8),
    audioOut: Math.floor(completion / 2),
  }
}

/** The bill of a stream that ended early: the whole prompt, all reasoning, and the tokens sent so far. */
export function billSoFar(whole: Bill, tokensSent: number): Bill {
  const completion = Math.min(whole.completion, whole.reasoning + tokensSent)
  return { ...whole, completion, total: whole.prompt + completion }
}

/** `usage` of chat completions and legacy completions. */
export function completionUsage(bill: Bill): Record<string, unknown> {
  return {
    prompt_tokens: bill.prompt,
    completion_tokens: bill.completion,
    total_tokens: bill.total,
    prompt_tokens_details: {
      cached_tokens: bill.cached,
      audio_tokens: bill.audioIn,
      ...(bill.written > 0 ? { cache_write_tokens: bill.written, image_tokens: bill.imageIn } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: bill.reasoning,
      audio_tokens: bill.audioOut,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

/** `usage` of the Responses endpoint. */
export function responseUsage(bill: Bill): Record<string, unknown> {
  return {
    input_tokens: bill.prompt,
    input_tokens_details: { cached_tokens: bill.cached, cache_write_tokens: bill.written },
    output_tokens: bill.completion,
    output_tokens_details: { reasoning_tokens: bill.reasoning },
    total_tokens: bill.total,
  }
}

/** `usage` of embeddings: there is no completion. */
export function embeddingUsage(bill: Bill): Record<string, unknown> {
  return { prompt_tokens: bill.prompt, total_tokens: bill.prompt }
}
