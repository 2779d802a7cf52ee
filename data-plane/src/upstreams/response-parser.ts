/**
 * Reads HTTP/1.1 responses off a connection, strictly: what two readers could frame in two ways is a fault,
 * and a faulty connection is never used again. Only the headers the gateway looks at are kept.
 * Grammar: RFC 9112; where it lets a recipient choose, this one refuses.
 */

const HEAD_BYTES_MAX = 65_536
const INFORMATIONAL_MAX = 8
const CHUNK_LINE_MAX = 1024
const CHUNK_BYTES_MAX = 0x7fffffff
const TRAILER_BYTES_MAX = 8192
const CR = 0x0d
const LF = 0x0a

const HEAD_END = Buffer.from('\r\n\r\n')
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})( [\t\x20-\x7e\x80-\xff]*)?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** A line end that is not CR LF, or a byte that no head may hold. */
const STRAY = /\r(?!\n)|[^\r]\n|^\n|[^\t\r\n\x20-\x7e\x80-\xff]/
const CHUNK_LINE = /^([0-9A-Fa-f]{1,8})[\t ]*(;[\t\x20-\x7e\x80-\xff]*)?$/

const WANTED: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'retry-after',
  'retry-after-ms',
  'x-request-id',
  'apim-request-id',
  'openai-processing-ms',
  'openai-version',
])

export type ResponseHead = { readonly status: number; readonly headers: Readonly<Record<string, string>> }

export interface ResponseListener {
  onHead(head: ResponseHead): void
  onBytes(bytes: Buffer): void
  /** The response is whole. @param reusable the connection may carry another request */
  onEnd(reusable: boolean): void
}

class ResponseFault extends Error {
  override readonly name = 'ResponseFault'
}

type Framing = { length: number | null; chunked: boolean; keepAlive: boolean }

/** Where in a response the parser stands. */
type Place =
  | 'idle'
  | 'head'
  | 'length'
  | 'until-close'
  | 'chunk-line'
  | 'chunk-data'
  | 'chunk-end'
  | 'trailers'

export class ResponseParser {
  #listener: ResponseListener | null = null
  #place: Place = 'idle'
  #kept: Buffer | null = null
  #left = 0
  #keepAlive = false
  #informational = 0
  #trailerBytes = 0

  /** From now on bytes belong to the answer of one request. */
  expect(listener: ResponseListener): void {
    this.#listener = listener
    this.#place = 'head'
    this.#informational = 0
    this.#trailerBytes = 0
  }

  /** @throws ResponseFault when the bytes are no response of ours; the connection must then be destroyed */
  feed(bytes: Buffer): void {
    let rest: Buffer | null = bytes
    while (rest !== null && rest.length > 0) rest = this.#step(rest)
  }

  /** The connection has ended: true when that is a proper end of the response. */
  close(): boolean {
    if (this.#place === 'idle') return true
    if (this.#place !== 'until-close') return false
    this.#finish(false)
    return true
  }

  #step(bytes: Buffer): Buffer | null {
    switch (this.#place) {
      case 'head':
        return this.#readHead(bytes)
      case 'length':
      case 'chunk-data':
        return this.#readCounted(bytes)
      case 'until-close':
        this.#listener?.onBytes(bytes)
        return null
      case 'chunk-line':
        return this.#readChunkLine(bytes)
      case 'chunk-end':
        return this.#readChunkEnd(bytes)
      case 'trailers':
        return this.#readTrailers(bytes)
      case 'idle':
        throw new ResponseFault('bytes that answer no request')
    }
  }

  #readHead(bytes: Buffer): Buffer | null {
    const all = this.#kept === null ? bytes : Buffer.concat([this.#kept, bytes])
    const end = all.indexOf(HEAD_END)
    if (end < 0) {
      if (all.length > HEAD_BYTES_MAX) throw new ResponseFault('head too long')
      this.#kept = all
      return null
    }
    this.#kept = null
    if (end > HEAD_BYTES_MAX) throw new ResponseFault('head too long')
    this.#openResponse(all.toString('latin1', 0, end), end + 4 === all.length)
    return end + 4 < all.length ? all.subarray(end + 4) : null
  }

  /** @param whole nothing has come after the head yet */
  #openResponse(text: string, whole: boolean): void {
    if (STRAY.test(text)) throw new ResponseFault('malformed head')
    let lineEnd = text.indexOf('\r\n')
    const statusLine = STATUS_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd))
    if (statusLine === null) throw new ResponseFault('malformed status line')
    const status = Number(statusLine[2])
    const headers: Record<string, string> = Object.create(null)
    const framing: Framing = { length: null, chunked: false, keepAlive: statusLine[1] === '1' }
    while (lineEnd >= 0) {
      const start = lineEnd + 2
      lineEnd = text.indexOf('\r\n', start)
      readHeaderLine(lineEnd < 0 ? text.slice(start) : text.slice(start, lineEnd), headers, framing)
    }
    if (status < 200) {
      if (status === 101 || ++this.#informational > INFORMATIONAL_MAX)
        throw new ResponseFault(`status ${status}`)
      return
    }
    this.#keepAlive = framing.keepAlive
    this.#listener?.onHead({ status, headers })
    this.#openBody(status, framing, whole)
  }

  #openBody(status: number, { length, chunked }: Framing, whole: boolean): void {
    if (length !== null && chunked) throw new ResponseFault('both a length and chunks')
    if (status === 204 || status === 304 || length === 0) this.#finish(whole)
    else if (chunked) this.#place = 'chunk-line'
    else if (length === null) this.#place = 'until-close'
    else {
      this.#place = 'length'
      this.#left = length
    }
  }

  #readCounted(bytes: Buffer): Buffer | null {
    const taken = Math.min(this.#left, bytes.length)
    this.#left -= taken
    const whole = taken === bytes.length
    this.#listener?.onBytes(whole ? bytes : bytes.subarray(0, taken))
    if (this.#left === 0) {
      if (this.#place === 'length') this.#finish(whole)
      else this.#place = 'chunk-end'
    }
    return whole ? null : bytes.subarray(taken)
  }

  #readChunkLine(bytes: Buffer): Buffer | null {
    const line = this.#takeLine(bytes, CHUNK_LINE_MAX)
    if (line === null) return null
    const parts = CHUNK_LINE.exec(line.text)
    if (parts === null) throw new ResponseFault('malformed chunk size')
    this.#left = Number.parseInt(parts[1] as string, 16)
    if (this.#left > CHUNK_BYTES_MAX) throw new ResponseFault('chunk too large')
    this.#place = this.#left === 0 ? 'trailers' : 'chunk-data'
    return line.rest
  }

  #readChunkEnd(bytes: Buffer): Buffer | null {
    if (this.#kept === null && bytes.length > 1 && bytes[0] === CR && bytes[1] === LF) {
      this.#place = 'chunk-line'
      return bytes.subarray(2)
    }
    const line = this.#takeLine(bytes, 0)
    if (line === null) return null
    this.#place = 'chunk-line'
    return line.rest
  }

  /** Trailers are dropped: nothing in them may change what has been said. */
  #readTrailers(bytes: Buffer): Buffer | null {
    const line = this.#takeLine(bytes, TRAILER_BYTES_MAX)
    if (line === null) return null
    this.#trailerBytes += line.text.length + 2
    if (this.#trailerBytes > TRAILER_BYTES_MAX) throw new ResponseFault('trailers too long')
    if (line.text === '') this.#finish(line.rest.length === 0)
    return line.rest
  }

  /** A line without its CR LF, and what follows; null when it is not whole yet. */
  #takeLine(bytes: Buffer, lengthMax: number): { text: string; rest: Buffer } | null {
    const all = this.#kept === null ? bytes : Buffer.concat([this.#kept, bytes])
    const end = all.indexOf(LF)
    if ((end < 0 ? all.length : end) > lengthMax + 1) throw new ResponseFault('line too long')
    if (end < 0) {
      this.#kept = all
      return null
    }
    this.#kept = null
    if (all[end - 1] !== CR) throw new ResponseFault('line without CR')
    return { text: all.toString('latin1', 0, end - 1), rest: all.subarray(end + 1) }
  }

  /** @param last nothing follows: a connection with bytes left over must not carry another request */
  #finish(last: boolean): void {
    const listener = this.#listener
    this.#listener = null
    this.#place = 'idle'
    listener?.onEnd(this.#keepAlive && last)
  }
}

function readHeaderLine(line: string, headers: Record<string, string>, framing: Framing): void {
  const colon = line.indexOf(':')
  const written = colon < 0 ? '' : line.slice(0, colon)
  if (!TOKEN.test(written)) throw new ResponseFault('malformed header')
  const name = written.toLowerCase()
  if (WANTED.has(name)) headers[name] = line.slice(colon + 1).trim()
  else if (name === 'content-length') {
    const value = line.slice(colon + 1).trim()
    if (framing.length !== null || !/^[0-9]{1,15}$/.test(value)) throw new ResponseFault('malformed length')
    framing.length = Number(value)
  } else if (name === 'transfer-encoding') {
    if (
      framing.chunked ||
      line
        .slice(colon + 1)
        .trim()
        .toLowerCase() !== 'chunked'
    ) {
      throw new ResponseFault('unknown transfer-encoding')
    }
    framing.chunked = true
  } else if (name === 'connection') {
    const value = line.slice(colon + 1).toLowerCase()
    if (value.includes('close')) framing.keepAlive = false
    else if (value.includes('upgrade')) throw new ResponseFault('unasked upgrade')
  }
}
