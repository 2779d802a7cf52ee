/**
 * Cuts a text into pieces of bounded length before it is counted. Merging bytes into tokens costs the square of
 * an unbroken run, so a megabyte of one letter would take minutes whole and takes milliseconds in pieces. Cuts lie
 * where a token must begin anyway, as far as there is such a place; what is cut so is counted exactly.
 */

/** UTF-16 units. Longer pieces cost more on hostile text, shorter ones are off by more on text without borders. */
export const PIECE_LENGTH = 256
/** Where there is no border, of text whose characters take several bytes each. */
const WIDE_LENGTH = 96

const SPACE = 0x20
const WIDE_FROM = 0x80
const LETTER = /\p{L}/u
/** What a run of letters may go on with. Half a surrogate pair may be a letter. */
const RUNS_ON = /[\p{L}\p{M}\p{Cs}']/u
const BLANK = /\s/u

/** The pieces in their order; together they are the text. */
export function* piecesOf(text: string): Generator<string> {
  let from = 0
  while (text.length - from > PIECE_LENGTH) {
    const to = cutAfter(text, from)
    yield text.slice(from, to)
    from = to
  }
  if (from < text.length) yield text.slice(from)
}

/** How many of the cuts lie where a token need not begin: each may change the count by a little. */
export function forcedCuts(text: string): number {
  let forced = 0
  let at = 0
  for (const piece of piecesOf(text)) {
    if (at > 0 && !isBorder(text, at)) forced++
    at += piece.length
  }
  return forced
}

function cutAfter(text: string, from: number): number {
  const last = from + PIECE_LENGTH
  for (let at = last; at > from; at--) if (isBorder(text, at)) return at
  const cut = text.charCodeAt(last) < WIDE_FROM ? last : from + WIDE_LENGTH
  return isLowSurrogate(text.charCodeAt(cut)) ? cut - 1 : cut
}

/**
 * Whether a token must begin at this place, by the rule by which o200k_base and cl100k_base split text before they
 * merge bytes: white space opens a part after anything that is none, and a run of letters ends before all but
 * letters, marks and the apostrophe of a contraction.
 */
function isBorder(text: string, at: number): boolean {
  const here = text.charCodeAt(at)
  const before = text.charAt(at - 1)
  if (here === SPACE) return !BLANK.test(before)
  return LETTER.test(before) && !RUNS_ON.test(text.charAt(at))
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
