/**
 * Reads the head of a request in the plain form that every client library writes: a POST with a length, CR LF
 * and nothing unusual. It accepts far less than HTTP allows, and what it does not accept it does not judge:
 * that goes to Node's parser, byte by byte as it came. Grammar: RFC 9112, sections 3, 5 and 6, narrowed.
 */
import type { WrittenHead } from '../message/line.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const HEAD_BYTES_MAX = 16_384
const HEADERS_MAX = 100
const START_END = ' HTTP/1.1'
const START = 'POST /'
/** The whole head at once: printable ASCII, lines of name, colon, value. Each byte has one way to match. */
const PLAIN = /^POST \/[\x21-\x7e]* HTTP\/1\.1(?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*)+$/
const LENGTH = /^[0-9]{1,9}$/
/** Names whose values frame a request or change its connection; only Node's parser judges those. */
const UNUSUAL: ReadonlySet<string> = new Set([
  ...['transfer-encoding', 'expect', 'upgrade', 'te', 'trailer', 'proxy-connection', 'http2-settings'],
])

export type PlainHead = WrittenHead & {
  /** Where the body begins. */
  readonly bytes: number
  readonly bodyBytes: number
}

/** The head that these bytes begin with; null when it is not whole, or not plain. */
export function readPlainHead(bytes: Buffer): PlainHead | null {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0 || end > HEAD_BYTES_MAX) return null
  const text = bytes.toString('latin1', 0, end)
  if (!PLAIN.test(text)) return null
  let lineEnd = text.indexOf('\r\n')
  const url = text.slice(START.length - 1, lineEnd - START_END.length)
  const rawHeaders: string[] = []
  let hosts = 0
  let bodyBytes = -1
  while (lineEnd >= 0) {
    const start = lineEnd + 2
    lineEnd = text.indexOf('\r\n', start)
    const stop = lineEnd < 0 ? text.length : lineEnd
    const colon = text.indexOf(':', start)
    const name = text.slice(start, colon)
    const value = text.slice(colon + 1, stop).trim()
    const known = name.toLowerCase()
    if (known === 'content-length') {
      if (bodyBytes >= 0 || !LENGTH.test(value)) return null
      bodyBytes = Number(value)
    } else if (known === 'host') {
      if (value === '') return null
      hosts += 1
    } else if (known === 'connection') {
      if (value.toLowerCase() !== 'keep-alive') return null
    } else if (UNUSUAL.has(known)) return null
    rawHeaders.push(name, value)
  }
  if (hosts !== 1 || bodyBytes < 0 || rawHeaders.length > 2 * HEADERS_MAX) return null
  return { method: 'POST', url, httpVersion: '1.1', rawHeaders, bytes: end + HEAD_END.length, bodyBytes }
}
