/**
 * An estimate is the tokens that a call is held to until it has ended: its input, and the longest answer that it lets
 * the model give.
 */

/** What a caller who names no ceiling is held to have asked for. */
const DEFAULT_OUTPUT_TOKENS = 1024
const ESTIMATE_MAX = 1_000_000_000

export type Estimate = { readonly input: number; readonly output: number }

export type Size = {
  readonly inputTokens: number
  /** The caller's ceiling for one answer; null when it names none. */
  readonly outputTokens: number | null
  readonly choices: number
}

/**
 * The estimate of a call of this size.
 * @param outputTokensMax the cap on one answer, if there is one
 */
export function estimateOf(
  { inputTokens, outputTokens, choices }: Size,
  outputTokensMax: number | null,
): Estimate {
  const ceiling = Math.min(outputTokens ?? DEFAULT_OUTPUT_TOKENS, outputTokensMax ?? ESTIMATE_MAX)
  return { input: inputTokens, output: Math.min(ceiling * choices, ESTIMATE_MAX) }
}
