/**
 * One pass over the bytes of a JSON object: proves that it is whole and legal, and says where the values of
 * its top-level fields lie, without building any of them. Bodies go on as the bytes they came in, so what is
 * seen here must be what the provider reads: a repeated field, a broken escape or bad UTF-8 is refused.
 * Grammar: RFC 8259, within the bounds below; raw control characters inside strings alone are left to the
 * provider, who refuses them: they cannot change where a value begins or ends.
 */
import { isUtf8 } from 'node:buffer'

const DEPTH_MAX = 64
const VALUES_MAX = 100_000
/** From this length a string that begins with `data:` counts as an inline file, not as text. */
export const INLINE_FILE_BYTES = 256

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const MINUS = 0x2d

/** Most strings end within this many bytes; for longer ones the native search is worth its call. */
const SHORT_STRING_BYTES = 24

/** Where a value lies: from its first byte to the one after its last. */
export type Span = { readonly start: number; readonly end: number }

export type JsonFields = {
  readonly spans: ReadonlyMap<string, Span>
  /** Offset of the closing brace of the whole object. */
  readonly closeAt: number
  /** Bytes inside long `data:` strings, and how many such strings there are. */
  readonly inlineBytes: number
  readonly inlineCount: number
}

export class JsonFault extends Error {
  override readonly name = 'JsonFault'
  readonly kind: 'syntax' | 'duplicate' | 'bounds'
  readonly field: string | null

  constructor(kind: JsonFault['kind'], message: string, field: string | null = null) {
    super(message)
    this.kind = kind
    this.field = field
  }
}

/**
 * Scans a JSON object.
 * @param valuesMax how many values it may hold; a reply of embeddings rightly holds millions
 * @returns spans of all top-level values by field name
 * @throws JsonFault with the byte offset in its message
 */
export function scanJsonObject(bytes: Buffer, valuesMax = VALUES_MAX): JsonFields {
  return new Scan(bytes, valuesMax).run()
}

/** One scan over one body; the cursor and the counters are its whole state. */
class Scan {
  readonly #bytes: Buffer
  readonly #valuesMax: number
  #at = 0
  #values = 0
  #inlineBytes = 0
  #inlineCount = 0
  #escaped = false
  #quoteAt = -1
  #backslashAt = -1
  readonly #closers: number[] = []

  constructor(bytes: Buffer, valuesMax: number) {
    this.#bytes = bytes
    this.#valuesMax = valuesMax
  }

  run(): JsonFields {
    const bytes = this.#bytes
    if (!isUtf8(bytes)) throw new JsonFault('syntax', 'The body is not valid UTF-8.')
    this.#skipBlanks()
    if (bytes[this.#at] !== OPEN_BRACE) throw this.#fault('expected an object')
    this.#at++
    const spans = new Map<string, Span>()
    let closeAt = this.#afterOpen(CLOSE_BRACE)
    while (closeAt < 0) {
      const name = this.#fieldName()
      if (spans.has(name)) {
        throw new JsonFault('duplicate', `The field ${JSON.stringify(shorten(name))} appears twice.`, name)
      }
      const start = this.#at
      this.#skipValue()
      spans.set(name, { start, end: this.#at })
      closeAt = this.#afterValue(CLOSE_BRACE)
    }
    this.#skipBlanks()
    if (this.#at !== bytes.length) throw this.#fault('text after the end of the object')
    return { spans, closeAt, inlineBytes: this.#inlineBytes, inlineCount: this.#inlineCount }
  }

  /** After an opening bracket: the offset of the closer if it follows at once, else -1. */
  #afterOpen(closer: number): number {
    this.#skipBlanks()
    return this.#bytes[this.#at] === closer ? this.#at++ : -1
  }

  /** After a value: the offset of the closer, or -1 after a comma with the cursor on what follows. */
  #afterValue(closer: number): number {
    this.#skipBlanks()
    const byte = this.#bytes[this.#at]
    if (byte === closer) return this.#at++
    if (byte !== COMMA) throw this.#fault('expected a comma or a closing bracket')
    this.#at++
    this.#skipBlanks()
    return -1
  }

  /** Reads a field name and the colon; leaves the cursor on the value. */
  #fieldName(): string {
    const start = this.#at + 1
    this.#skipString()
    const end = this.#at - 1
    const name = this.#escaped
      ? this.#unescaped(start - 1, end + 1)
      : this.#bytes.toString('utf8', start, end)
    this.#expectColon()
    return name
  }

  #unescaped(start: number, end: number): string {
    try {
      return JSON.parse(this.#bytes.toString('utf8', start, end)) as string
    } catch {
      throw this.#faultAt(start, 'control character in a name')
    }
  }

  #expectColon(): void {
    this.#skipBlanks()
    if (this.#bytes[this.#at] !== COLON) throw this.#fault('expected a colon')
    this.#at++
    this.#skipBlanks()
  }

  /** Skips one value of any kind; nesting is kept on a small stack of expected closers, never by recursion. */
  #skipValue(): void {
    const bytes = this.#bytes
    const closers = this.#closers
    let depth = 0
    for (;;) {
      if (++this.#values > this.#valuesMax)
        throw new JsonFault('bounds', `The body holds over ${this.#valuesMax} values.`)
      const byte = bytes[this.#at]
      if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        // The object itself is level one, so that the whole body never nests deeper than the bound.
        if (++depth >= DEPTH_MAX) throw new JsonFault('bounds', `The body nests deeper than ${DEPTH_MAX}.`)
        const closer = byte === OPEN_BRACE ? CLOSE_BRACE : CLOSE_BRACKET
        closers[depth] = closer
        this.#at++
        if (this.#afterOpen(closer) < 0) {
          if (closer === CLOSE_BRACE) this.#nestedName()
          continue
        }
        depth--
      } else {
        this.#skipScalar(byte)
      }
      while (depth > 0 && this.#afterValue(closers[depth] as number) >= 0) depth--
      if (depth === 0) return
      if (closers[depth] === CLOSE_BRACE) this.#nestedName()
    }
  }

  #nestedName(): void {
    this.#skipString()
    this.#expectColon()
  }

  #skipScalar(byte: number | undefined): void {
    if (byte === QUOTE) {
      const start = this.#at
      this.#skipString()
      if (this.#at - start > INLINE_FILE_BYTES) this.#noteInlineFile(start)
    } else if (byte === 0x74) this.#skipWord('true')
    else if (byte === 0x66) this.#skipWord('false')
    else if (byte === 0x6e) this.#skipWord('null')
    else this.#skipNumber()
  }

  #noteInlineFile(start: number): void {
    if (this.#bytes.toString('latin1', start + 1, start + 6) !== 'data:') return
    this.#inlineBytes += this.#at - start
    this.#inlineCount++
  }

  #skipString(): void {
    const bytes = this.#bytes
    if (bytes[this.#at] !== QUOTE) throw this.#fault('expected a string')
    let at = this.#at + 1
    this.#escaped = false
    for (;;) {
      at = this.#stringMark(at)
      if (bytes[at] === QUOTE) break
      this.#escaped = true
      at = this.#afterEscape(at + 1)
    }
    this.#at = at + 1
  }

  /** The next quote or backslash at or after `at`. */
  #stringMark(at: number): number {
    const bytes = this.#bytes
    const near = at + SHORT_STRING_BYTES
    let mark = at
    while (mark < near) {
      const byte = bytes[mark]
      if (byte === QUOTE || byte === BACKSLASH) return mark
      if (byte === undefined) throw this.#faultAt(mark, 'unfinished string')
      mark++
    }
    // One search serves all marks before what it found; without that, a long text of short lines costs its square.
    if (this.#quoteAt < mark) this.#quoteAt = bytes.indexOf(QUOTE, mark)
    if (this.#quoteAt < 0) throw this.#faultAt(bytes.length, 'unfinished string')
    if (this.#backslashAt < mark) {
      const found = bytes.indexOf(BACKSLASH, mark)
      this.#backslashAt = found < 0 ? bytes.length : found
    }
    return Math.min(this.#quoteAt, this.#backslashAt)
  }

  /** @param at the byte after the backslash; returns the offset after the escape. */
  #afterEscape(at: number): number {
    const byte = this.#bytes[at]
    if (byte === 0x75) {
      for (let i = at + 1; i < at + 5; i++)
        if (!isHexDigit(this.#bytes[i])) throw this.#faultAt(i, 'bad \\u escape')
      return at + 5
    }
    // " / \ b f n r t
    if (
      byte === QUOTE ||
      byte === 0x2f ||
      byte === BACKSLASH ||
      byte === 0x62 ||
      byte === 0x66 ||
      byte === 0x6e ||
      byte === 0x72 ||
      byte === 0x74
    ) {
      return at + 1
    }
    throw this.#faultAt(at, 'bad escape')
  }

  #skipWord(word: string): void {
    const end = this.#at + word.length
    if (this.#bytes.toString('latin1', this.#at, end) !== word) throw this.#fault('expected a value')
    this.#at = end
  }

  #skipNumber(): void {
    const bytes = this.#bytes
    if (bytes[this.#at] === MINUS) this.#at++
    if (bytes[this.#at] === 0x30) this.#at++
    else this.#skipDigits()
    if (bytes[this.#at] === 0x2e) {
      this.#at++
      this.#skipDigits()
    }
    const mark = bytes[this.#at]
    if (mark === 0x65 || mark === 0x45) {
      this.#at++
      const sign = bytes[this.#at]
      if (sign === MINUS || sign === 0x2b) this.#at++
      this.#skipDigits()
    }
  }

  #skipDigits(): void {
    const start = this.#at
    while (isDigit(this.#bytes[this.#at])) this.#at++
    if (this.#at === start) throw this.#fault('expected a value')
  }

  #skipBlanks(): void {
    const bytes = this.#bytes
    let at = this.#at
    for (let byte = bytes[at]; byte !== undefined && byte <= 0x20; byte = bytes[++at]) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    }
    this.#at = at
  }

  #fault(what: string): JsonFault {
    return this.#faultAt(this.#at, what)
  }

  #faultAt(at: number, what: string): JsonFault {
    return new JsonFault('syntax', `The body is not valid JSON: ${what} at byte ${at}.`)
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isHexDigit(byte: number | undefined): boolean {
  if (byte === undefined) return false
  const lower = byte | 0x20
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66)
}

function shorten(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text
}
