/**
 * The text of an answer: an echo of what was heard and some sentences chosen by it, so that the same question
 * always gets the same answer. It is cut into pieces (words), each with its tokens, as a stream sends them, and
 * holds characters of two, three and four bytes on purpose.
 */
import { tokensOfBytes } from './tokens.ts'

export type Piece = { text: string; tokens: number }

export type AnswerText = {
  text: string
  pieces: readonly Piece[]
  tokens: number
  /** Whether the caller's limit ended it: finish reason `length`. */
  limited: boolean
}

const ECHO_CHARS_MAX = 160
const USUAL_WORDS_MIN = 16
const HUGE_TEXT_BYTES = 1024 * 1024

const WORDS: readonly string[] = (
  'This answer comes from the built-in demo model, which knows nothing and says it well. ' +
  'Every word here is counted, priced and written down → four bytes make one token. ' +
  'Ask the same question twice and the café will serve the same dish 🙂. ' +
  'Nothing left this machine, no account was charged, and naïve parsers will meet a character or two ' +
  'that do not fit in one byte – 漢字 among them. '
)
  .split(/(?<= )/)
  .map((word) => ` ${word.trimEnd()}`)

/**
 * Writes the answer to what was heard.
 * `words` are those beyond the echo (null for the usual number); `tokensMax` is the caller's limit, null for none;
 * `variant` tells the choices of one call apart.
 */
export function writeAnswer(asked: {
  heard: string
  words: number | null
  tokensMax: number | null
  variant: number
}): AnswerText {
  const { heard, variant } = asked
  const chosen = hashText(heard) + variant
  const words = asked.words ?? USUAL_WORDS_MIN + (chosen % USUAL_WORDS_MIN)
  return gatherPieces(spokenPieces({ heard, words, first: chosen % WORDS.length }), asked.tokensMax)
}

/** Cuts a ready text (the JSON of a tool call, say) into pieces, up to the caller's limit. */
export function cutText(text: string, tokensMax: number | null): AnswerText {
  return gatherPieces(text.match(/.{1,8}/gsu) ?? [], tokensMax)
}

function* spokenPieces(spoken: { heard: string; words: number; first: number }): Generator<string> {
  const echo = spoken.heard.slice(0, ECHO_CHARS_MAX).toWellFormed().trim()
  yield 'You'
  yield ' said'
  if (echo === '') yield ' nothing.'
  else yield* `: “${echo}”.`.match(/\s*\S{1,12}/gu) ?? []
  for (let index = 0; index < spoken.words; index++) {
    yield WORDS[(spoken.first + index) % WORDS.length] ?? ''
  }
}

function gatherPieces(spoken: Iterable<string>, tokensMax: number | null): AnswerText {
  const pieces: Piece[] = []
  let bytes = 0
  let tokens = 0
  let text = ''
  let limited = false
  for (const piece of spoken) {
    bytes += Buffer.byteLength(piece)
    const tokensNow = tokensOfBytes(bytes)
    if (tokensMax !== null && tokensNow > tokensMax) {
      limited = true
      break
    }
    pieces.push({ text: piece, tokens: tokensNow - tokens })
    text += piece
    tokens = tokensNow
  }
  return { text, pieces, tokens, limited }
}

/** One piece of 1 MiB: the sentinel `huge-event`. */
export function hugeText(): AnswerText {
  const text = 'x'.repeat(HUGE_TEXT_BYTES)
  const tokens = HUGE_TEXT_BYTES / 4
  return { text, pieces: [{ text, tokens }], tokens, limited: false }
}

/** A number below 2^31 made of a text's first characters (FNV-1a); the same text gives the same number. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  const end = Math.min(text.length, ECHO_CHARS_MAX)
  for (let index = 0; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash >>> 1
}

/** The text of a message's content: itself, or its text parts joined. */
export function plainText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join(' ')
}

/** The text of the last message whose role is `user`; '' when there is none. */
export function lastUserText(messages: readonly unknown[]): string {
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index] as { role?: unknown; content?: unknown } | null
    if (message?.role === 'user') return plainText(message.content)
  }
  return ''
}
