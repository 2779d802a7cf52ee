/** What the front reads by itself it reads as Node's parser does; of everything else it makes nothing. */
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { readPlainHead } from './plain-head.ts'

const PLAIN = 'POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: a\r\nX-A:b \r\nContent-Length: 2\r\n\r\n'

let heard: IncomingMessage | null = null
const node = createServer({ maxHeaderSize: 16_384 }, (message, response) => {
  heard = message
  response.end()
})
node.maxHeadersCount = 0
beforeAll(() => new Promise<void>((done) => node.listen(0, '127.0.0.1', done)))
afterAll(() => {
  node.closeAllConnections()
  node.close()
})

/** What Node's parser makes of these bytes; null when it refuses them. */
async function asNodeReads(text: string): Promise<IncomingMessage | null> {
  heard = null
  const socket = connect({ host: '127.0.0.1', port: (node.address() as AddressInfo).port })
  socket.on('error', () => {})
  await new Promise<void>((done) => {
    socket.on('data', () => done())
    socket.on('close', () => done())
    socket.end(Buffer.from(`${text}{}`, 'latin1'))
  })
  socket.destroy()
  return heard
}

const read = (text: string) => readPlainHead(Buffer.from(text, 'latin1'))

test('a plain head is read with its names as they were written and its values without blanks', () => {
  expect(read(`${PLAIN}{}`)).toEqual({
    ...{ method: 'POST', url: '/v1/chat/completions?a=b', httpVersion: '1.1' },
    rawHeaders: ['Host', 'a', 'X-A', 'b', 'Content-Length', '2'],
    bytes: PLAIN.length,
    bodyBytes: 2,
  })
})

const line = (text: string) => PLAIN.replace('X-A:b ', text)

test.each([
  ['a head that is not whole', PLAIN.slice(0, -1)],
  ['another method', PLAIN.replace('POST', 'PUT')],
  ['another version', PLAIN.replace('1.1', '1.0')],
  ['an absolute target', PLAIN.replace('POST /', 'POST http://a/')],
  ['no length', PLAIN.replace('Content-Length: 2', 'X: y')],
  ['two lengths', line('Content-Length: 2')],
  ['a length that is no number', PLAIN.replace('Length: 2', 'Length: +2')],
  ['a length of ten digits', PLAIN.replace('Length: 2', 'Length: 1000000000')],
  ['no host', PLAIN.replace('Host', 'Hast')],
  ['two hosts', line('host: a')],
  ['an empty host', PLAIN.replace('Host: a', 'Host:')],
  ['chunks', line('Transfer-Encoding: chunked')],
  ['an expectation', line('Expect: 100-continue')],
  ['an upgrade', line('Upgrade: h2c')],
  ['a connection that closes', line('Connection: close')],
  ['a folded line', line('X: a\r\n b')],
  ['a bare line feed', line('X: a\nY: b')],
  ['a bare carriage return', line('X: a\rY: b')],
  ['a NUL', line('X: a\0b')],
  ['a byte above ASCII', line('X: a\x85')],
  ['a blank before the colon', line('X : a')],
  ['an empty name', line(': a')],
  ['no colon', line('X')],
  ['101 headers', line(Array(99).fill('X: y').join('\r\n'))],
  ['a head of over 16 KB', line(`X: ${'y'.repeat(16_384)}`)],
])('the front leaves %s to Node', (_what, text) => {
  expect(text).not.toBe(PLAIN)
  expect(read(text)).toBeNull()
})

test('what the front reads, Node reads in the same way', async () => {
  const bits = [
    '\r\n',
    '\n',
    '\r',
    ' ',
    '\t',
    ':',
    '\0',
    'Host: b',
    'Content-Length: 2',
    'X: y',
    '\x85',
    '/',
    '5',
  ]
  const edit = fc.record({
    at: fc.nat(PLAIN.length),
    drop: fc.nat(3),
    put: fc.oneof(fc.constantFrom(...bits), fc.string({ maxLength: 3 })),
  })
  let plain = 0
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let text = PLAIN
      for (const { at, drop, put } of edits) text = text.slice(0, at) + put + text.slice(at + drop)
      const ours = read(text)
      if (ours === null) return
      plain += 1
      const theirs = await asNodeReads(text)
      expect(theirs, text).not.toBeNull()
      expect(ours.url).toBe(theirs?.url)
      expect(ours.rawHeaders).toEqual(theirs?.rawHeaders)
      expect(String(ours.bodyBytes)).toBe(String(Number(theirs?.headers['content-length'])))
    }),
    { numRuns: rounds(2_000) },
  )
  expect(plain).toBeGreaterThan(100)
})
