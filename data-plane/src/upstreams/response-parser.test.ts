/** Responses as they should be, in any pieces; and as they should not be, none of which is believed. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { type ResponseHead, ResponseParser } from './response-parser.ts'

type Seen = {
  head: ResponseHead | null
  body: string
  ended: boolean
  reusable: boolean
  fault: string | null
}

/** Feeds the bytes in pieces that end at the cuts, then closes if asked to. */
function read(text: string, { cuts = [] as readonly number[], close = false } = {}): Seen {
  const seen: Seen = { head: null, body: '', ended: false, reusable: false, fault: null }
  const parser = new ResponseParser()
  parser.expect({
    onHead: (head) => void Object.assign(seen, { head }),
    onBytes: (bytes) => void Object.assign(seen, { body: seen.body + bytes.toString('latin1') }),
    onEnd: (reusable) => void Object.assign(seen, { ended: true, reusable }),
  })
  const bytes = Buffer.from(text, 'latin1')
  let from = 0
  try {
    for (const to of [...new Set(cuts)].sort((a, b) => a - b).concat(bytes.length)) {
      parser.feed(bytes.subarray(from, to))
      from = to
    }
    if (close && !parser.close()) seen.fault = 'cut'
  } catch (fault) {
    seen.fault = (fault as Error).message
  }
  return seen
}

const crlf = (...lines: string[]) => lines.join('\r\n')
const counted = crlf('HTTP/1.1 200 OK', 'Content-Type: text/plain', 'content-length: 5', '', 'hello')
const chunked = crlf(
  ...[
    'HTTP/1.1 200 OK',
    'X-Request-ID: abc',
    'Transfer-Encoding: Chunked',
    '',
    '3;ext="x"',
    'hel',
    '2',
    'lo',
    '0',
  ],
  ...['Trailer: dropped', '', ''],
)
const early = crlf('HTTP/1.1 103 Early Hints', 'link: x', '', counted)

test('answers with a length, in chunks and after hints are read whole, in whatever pieces they come', () => {
  for (const text of [counted, chunked, early]) {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const seen = read(text, { cuts })
        expect(seen).toMatchObject({ body: 'hello', ended: true, reusable: true, fault: null })
      }),
      { numRuns: rounds(200) },
    )
    const byteByByte = read(text, { cuts: [...text].map((_, at) => at) })
    expect(byteByByte).toMatchObject({ body: 'hello', ended: true, fault: null })
  }
})

test('only the headers the gateway looks at are kept', () => {
  const text = crlf(
    'HTTP/1.1 200 OK',
    'Set-Cookie: a',
    'Server: s',
    'Retry-After:  3 ',
    'content-length: 0',
    '',
    '',
  )
  expect(read(text).head).toEqual({ status: 200, headers: { 'retry-after': '3' } })
})

test('an answer without a length ends with its connection, which is not used again', () => {
  const text = crlf('HTTP/1.1 200 OK', '', 'all of it')
  expect(read(text)).toMatchObject({ ended: false })
  expect(read(text, { close: true })).toMatchObject({ body: 'all of it', ended: true, reusable: false })
})

test('a connection the upstream wants closed, or HTTP/1.0, is not used again', () => {
  expect(read(counted.replace('OK\r\n', 'OK\r\nConnection: Close\r\n'))).toMatchObject({
    ended: true,
    reusable: false,
  })
  expect(read(counted.replace('HTTP/1.1', 'HTTP/1.0'))).toMatchObject({ ended: true, reusable: false })
})

test('an answer cut anywhere before its end is a cut', () => {
  for (const text of [counted, chunked]) {
    for (let at = 0; at < text.length; at++) {
      expect(read(text.slice(0, at), { close: true }), String(at)).toMatchObject({
        ended: false,
        fault: 'cut',
      })
    }
  }
})

test('statuses without a body have none, whatever the head says', () => {
  for (const status of ['204 No Content', '304 Not Modified']) {
    const seen = read(crlf(`HTTP/1.1 ${status}`, 'content-length: 5', '', ''))
    expect(seen).toMatchObject({ body: '', ended: true, fault: null })
  }
})

test('bytes after the end are a fault, and the connection is not offered for reuse before they are seen', () => {
  for (const text of [`${counted}HTTP/1.1 200 OK\r\n\r\n`, `${chunked}x`, `HTTP/1.1 204 No\r\n\r\nx`]) {
    const seen = read(text)
    expect(seen.ended).toBe(true)
    expect(seen.reusable).toBe(false)
    expect(seen.fault).toContain('no request')
  }
})

const head = (...lines: string[]) => `${crlf('HTTP/1.1 200 OK', ...lines, '', '')}hello`
const body = (text: string) => crlf('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '', text)

test('what two readers could frame in two ways is a fault', () => {
  const faulty = [
    ...[
      'content-length: 5',
      'content-length: 5,5',
      'content-length: +5',
      'content-length: -5',
      'content-length: 5x',
    ],
    ...['content-length: 0x5', 'content-length:', 'content-length: 5 5', 'content-length: 1e1'],
  ].slice(1)
  for (const line of faulty) expect(read(head(line)).fault, line).not.toBeNull()
  const lines = [
    ['content-length: 5', 'content-length: 5'],
    ['content-length: 5', 'transfer-encoding: chunked'],
    ['transfer-encoding: chunked', 'content-length: 5'],
    ['transfer-encoding: chunked', 'transfer-encoding: chunked'],
    ['transfer-encoding: gzip, chunked'],
    ['transfer-encoding: identity'],
    ['transfer-encoding: ,chunked'],
    ['transfer-encoding : chunked'],
    ['content-length : 5'],
    ['x: a', ' folded: b'],
    ['no colon'],
    [': no name'],
    ['x: a\nb: c'],
    ['x: a\rb'],
    ['x: a\0b'],
    ['x: a\x01b'],
    ['x: a\x7fb'],
    ['connection: upgrade', 'upgrade: h2c'],
  ]
  for (const it of lines) expect(read(head(...it)).fault, it.join('|')).not.toBeNull()
  const starts = [
    'HTTP/1.1 200 OK\nx: y\r\n\r\n',
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 x\r\n\r\n',
  ]
  for (const start of [
    ...starts,
    ' HTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 101 x\r\n\r\n',
  ])
    expect(read(start).fault, start).not.toBeNull()
  const chunks = [
    ...[
      '0x3\r\nabc\r\n',
      '+3\r\nabc\r\n',
      '-3\r\n',
      '\r\n',
      ' 3\r\nabc\r\n',
      '3\nabc\n',
      '3\r\nabcd\r\n',
      '3\r\nab\r\n0\r\n',
    ],
    ...[
      'fffffffff\r\n',
      'ffffffff\r\n',
      '3;a\nb\r\nabc\r\n',
      '3\r\nabc\n0\r\n\r\n',
      `3;${'x'.repeat(2000)}\r\nabc\r\n`,
    ],
  ]
  for (const text of chunks) expect(read(body(text)).fault, text.slice(0, 20)).not.toBeNull()
})

test('heads, hints and trailers without end are a fault, not a full memory', () => {
  expect(read(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}`).fault).not.toBeNull()
  expect(read('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)).fault).not.toBeNull()
  expect(read(body(`0\r\n${'x'.repeat(20_000)}`)).fault).not.toBeNull()
  expect(read(body(`0\r\n${'x: y\r\n'.repeat(20_000)}`)).fault).not.toBeNull()
})

/**
 * What is known when all bytes have come. Bytes beyond a whole answer are a fault that a cut may let come after
 * the end was told; the connection is dropped either way.
 */
function inTheEnd(seen: Seen) {
  const isBroken = seen.fault !== null
  return { ...seen, fault: isBroken, reusable: seen.reusable && !isBroken }
}

test('random bytes never throw anything but a fault', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      '\r\n',
      'content-length: 3\r\n',
      'transfer-encoding: chunked\r\n',
      '3\r\n',
      'abc',
      '0\r\n',
    ),
    fc.string({ maxLength: 6 }),
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.array(fc.nat(100), { maxLength: 4 }),
      (pieces, cuts) => {
        const text = pieces.join('')
        const whole = read(text)
        const cut = read(text, { cuts: cuts.map((it) => Math.min(it, text.length)) })
        expect(inTheEnd(cut)).toEqual(inTheEnd(whole))
      },
    ),
    { numRuns: rounds(2000), interruptAfterTimeLimit: 20_000 },
  )
})
