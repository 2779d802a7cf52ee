/**
 * Reads HTTP/1.1 messages off a socket with as little work as possible: finds the end of the head, then counts
 * body bytes by Content-Length or by chunk framing. The loader reads replies with it, the mock upstream
 * requests. It trusts its peer (both ends are ours or the gateway's) and reports what it cannot follow.
 */

export type MessageEvents = {
  /** A head, whole, as Latin-1 text in lower case, first line included. */
  onHead(head: string): void
  /** A stretch of body, without framing. The bytes are only valid during the call. */
  onBody(bytes: Buffer, start: number, end: number): void
  /** The message is complete; the next byte begins another. */
  onEnd(): void
  /** The peer sent what we cannot follow; nothing after this can be trusted. */
  onFault(reason: string): void
}

const HEAD_BYTES_MAX = 16_384
const LINE_BYTES_MAX = 1000
const BLANK_LINE = Buffer.from('\r\n\r\n')
const CR = 13
const LF = 10
const SIZE_MAX = 2 ** 40

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'broken'

/** Reads the messages of one connection. */
export class MessageReader {
  readonly #events: MessageEvents
  #state: State = 'head'
  #begun: Buffer | null = null
  #left = 0
  #line = ''

  constructor(events: MessageEvents) {
    this.#events = events
  }

  /** Takes one read: the buffer, and how many of its bytes are filled. */
  feed(bytes: Buffer, length: number): void {
    let at = 0
    while (at < length && this.#state !== 'broken') {
      if (this.#state === 'head') at = this.#readHead(bytes, at, length)
      else if (this.#state === 'length' || this.#state === 'chunk-data')
        at = this.#readBody(bytes, at, length)
      else at = this.#readFrame(bytes, at, length)
    }
  }

  #readHead(bytes: Buffer, at: number, length: number): number {
    const fresh = bytes.subarray(at, length)
    const before = this.#begun?.length ?? 0
    const whole = this.#begun === null ? fresh : Buffer.concat([this.#begun, fresh])
    const blank = whole.indexOf(BLANK_LINE)
    if (blank < 0) {
      // The read buffer is reused by its owner, so what has to outlive this call is copied.
      this.#begun = Buffer.from(whole)
      if (whole.length > HEAD_BYTES_MAX) this.#fail(`a head of more than ${HEAD_BYTES_MAX} bytes`)
      return length
    }
    this.#begun = null
    const head = whole.toString('latin1', 0, blank + 2).toLowerCase()
    const framing = framingOf(head)
    if (framing === 'unknown') this.#fail('a message with neither Content-Length nor chunked framing')
    else {
      this.#events.onHead(head)
      this.#left = framing === 'chunked' ? 0 : framing
      this.#state = framing === 'chunked' ? 'chunk-size' : 'length'
      if (framing === 0) this.#end()
    }
    return at + blank + BLANK_LINE.length - before
  }

  #readBody(bytes: Buffer, at: number, length: number): number {
    const until = Math.min(length, at + this.#left)
    this.#events.onBody(bytes, at, until)
    this.#left -= until - at
    if (this.#left > 0) return until
    if (this.#state === 'length') this.#end()
    else this.#state = 'chunk-end'
    return until
  }

  /** Nearly all chunk frames arrive whole in one read; those are read without making a string. */
  #readFrame(bytes: Buffer, at: number, length: number): number {
    if (this.#line !== '' || this.#state === 'trailer') return this.#readLine(bytes, at, length)
    let size = 0
    let end = at
    for (let digit = hexOf(bytes[end]); digit >= 0 && size < SIZE_MAX; digit = hexOf(bytes[++end])) {
      size = size * 16 + digit
    }
    const whole = end + 1 < length && bytes[end] === CR && bytes[end + 1] === LF
    if (!whole || end > at !== (this.#state === 'chunk-size') || (end > at && size === 0)) {
      return this.#readLine(bytes, at, length)
    }
    this.#left = size
    this.#state = this.#state === 'chunk-size' ? 'chunk-data' : 'chunk-size'
    return end + 2
  }

  #readLine(bytes: Buffer, at: number, length: number): number {
    const lineFeed = bytes.indexOf(LF, at)
    const found = lineFeed >= 0 && lineFeed < length
    this.#line += bytes.toString('latin1', at, found ? lineFeed : length)
    if (!found) {
      if (this.#line.length > LINE_BYTES_MAX) this.#fail(`a frame line of more than ${LINE_BYTES_MAX} bytes`)
      return length
    }
    const text = this.#line.trimEnd()
    this.#line = ''
    if (this.#state === 'chunk-end') this.#state = 'chunk-size'
    else if (this.#state === 'chunk-size') this.#takeSize(text)
    else if (text === '') this.#end()
    return lineFeed + 1
  }

  #takeSize(text: string): void {
    this.#left = Number.parseInt(text, 16)
    if (!(this.#left >= 0)) this.#fail(`a chunk size that is no number: ${JSON.stringify(text.slice(0, 40))}`)
    else this.#state = this.#left === 0 ? 'trailer' : 'chunk-data'
  }

  #end(): void {
    this.#state = 'head'
    this.#events.onEnd()
  }

  #fail(reason: string): void {
    this.#state = 'broken'
    this.#events.onFault(reason)
  }
}

/** The status of a reply's head; 0 when it is not one. */
export function statusOf(head: string): number {
  return head.startsWith('http/1.1 ') ? Number(head.slice(9, 12)) || 0 : 0
}

/** True when the peer will close the connection after this message. */
export function closesAfter(head: string): boolean {
  return head.includes('\r\nconnection: close')
}

function framingOf(head: string): number | 'chunked' | 'unknown' {
  const length = head.indexOf('\r\ncontent-length:')
  if (length >= 0) {
    const value = Number.parseInt(head.slice(length + 17, length + 40), 10)
    return value >= 0 ? value : 'unknown'
  }
  if (head.includes('\r\ntransfer-encoding: chunked')) return 'chunked'
  const bodiless =
    !head.startsWith('http/') || head.startsWith('http/1.1 204') || head.startsWith('http/1.1 304')
  return bodiless ? 0 : 'unknown'
}

function hexOf(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
