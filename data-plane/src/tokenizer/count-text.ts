/**
 * Counts the tokens of texts, piece by piece, in the encoding of the model. Names of models nobody has heard of
 * are counted in the newest encoding. What looks like a special token is text here: callers wrote it.
 */
import { modelToEncodingMap } from 'gpt-tokenizer/mapping'
import { piecesOf } from './pieces.ts'

/** The tokens of a short text. */
export type CountPiece = (piece: string) => number

/** Words that the encoding has no token for and that are remembered. Hostile text fills a larger memory, and slows it. */
const REMEMBERED = 2_000
const plain = { disallowedSpecial: new Set<string>() }

/** The encoding's counter. Loading one takes a quarter of a second and tens of megabytes, so it is loaded when needed. */
export async function counterOf(model: string): Promise<CountPiece> {
  const encoding =
    encodingOf(model) === 'cl100k_base'
      ? await import('gpt-tokenizer/encoding/cl100k_base')
      : await import('gpt-tokenizer/encoding/o200k_base')
  encoding.setMergeCacheSize(REMEMBERED)
  return (piece) => encoding.countTokens(piece, plain)
}

/** By the model's name, a dated one by what it is dated of. */
export function encodingOf(model: string): 'o200k_base' | 'cl100k_base' {
  const known: Readonly<Record<string, string | undefined>> = modelToEncodingMap
  const name = model.replace(/^gpt-35/, 'gpt-3.5')
  const encoding = known[name] ?? known[name.replace(/-(\d{4}-\d\d-\d\d|\d{4})$/, '')]
  return encoding === 'cl100k_base' ? 'cl100k_base' : 'o200k_base'
}

/**
 * The tokens of all texts together.
 * @param untilMs when to give up, by `performance.now()`
 * @returns null when it took too long
 */
export function countTexts(
  texts: readonly string[],
  count: CountPiece,
  untilMs = Number.POSITIVE_INFINITY,
): number | null {
  let tokens = 0
  for (const text of texts) {
    for (const piece of piecesOf(text)) {
      if (performance.now() > untilMs) return null
      tokens += count(piece)
    }
  }
  return tokens
}
