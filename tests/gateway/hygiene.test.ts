/**
 * The protocol grid over raw sockets: what two readers could take for two things is refused, and whatever is
 * sent, the gateway stays up. Each row is one connection.
 */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { bareSocket, chatBody, exchangeRaw, requestText, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.stop())

const BODY = '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}'

/** A chat request with these lines in place of its framing. */
const framed = (lines: readonly string[], body: string, start = 'POST /v1/chat/completions HTTP/1.1') =>
  [
    start,
    'Host: a',
    `Authorization: Bearer ${gateway.keys.normal}`,
    'Content-Type: application/json',
    ...lines,
    '',
    body,
  ].join('\r\n')

const length = `Content-Length: ${BODY.length}`
const CHUNKED = 'Transfer-Encoding: chunked'
const chunks = (size: string, end = '\r\n0\r\n\r\n') => `${size}\r\n${BODY}${end}`
const HEX = BODY.length.toString(16)

/** Refused at the first reply, or by silence and a closed connection; nothing reaches the provider. */
const REFUSED: readonly (readonly [name: string, request: () => string])[] = [
  ['a length and chunks', () => framed([length, CHUNKED], chunks(HEX))],
  ['two equal lengths', () => framed([length, length], BODY)],
  ['two lengths', () => framed([length, 'Content-Length: 3'], BODY)],
  ...['3, 3', '+3', '-1', '', '0x3', '1_0', '99999999999999999999999', '3 3', '3;'].map(
    (value) => [`length ${value}`, () => framed([`Content-Length: ${value}`], BODY)] as const,
  ),
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    'chunked, chunked',
    ',chunked',
    'gzip, chunked',
    '"chunked"',
    'chunked;q=1',
  ].map(
    (value) =>
      [`transfer-encoding ${value}`, () => framed([`Transfer-Encoding: ${value}`], chunks(HEX))] as const,
  ),
  ['two transfer-encodings', () => framed([CHUNKED, CHUNKED], chunks(HEX))],
  ['a blank before the colon', () => framed(['Transfer-Encoding : chunked'], chunks(HEX))],
  ['HTTP/1.0 with chunks', () => framed([CHUNKED], chunks(HEX), 'POST /v1/chat/completions HTTP/1.0')],
  ...['0x3', '+3', '-3', '', ' ', 'g', '3 3'].map(
    (size) => [`chunk size "${size}"`, () => framed([CHUNKED], chunks(size))] as const,
  ),
  ['a bare LF after a chunk size', () => framed([CHUNKED], `${HEX}\n${BODY}\r\n0\r\n\r\n`)],
  ['a LF inside a chunk extension', () => framed([CHUNKED], `${HEX};a\nb\r\n${BODY}\r\n0\r\n\r\n`)],
  ['more data than the chunk size', () => framed([CHUNKED], chunks((BODY.length - 3).toString(16)))],
  ['a chunk extension of 64 KB', () => framed([CHUNKED], chunks(`${HEX};${'x'.repeat(65_536)}`))],
  ['bare LF headers', () => framed([length], BODY).replaceAll('\r\n', '\n')],
  ['a bare CR', () => framed(['X: a\rY: b', length], BODY)],
  ['a NUL', () => framed(['X: a\0b', length], BODY)],
  ['a folded line', () => framed(['X: a', ' b', length], BODY)],
  ['an empty name', () => framed([': b', length], BODY)],
  ['no colon', () => framed(['nocolon', length], BODY)],
  ['a leading blank', () => ` ${framed([length], BODY)}`],
  ['no Host', () => framed([length], BODY).replace('Host: a\r\n', '')],
  ['two Hosts', () => framed(['Host: b', length], BODY)],
  ['two equal Hosts', () => framed(['Host: a', length], BODY)],
  ['an absolute target', () => framed([length], BODY, 'POST http://evil.test/v1/chat/completions HTTP/1.1')],
  ['an absolute target of ours', () => framed([length], BODY, 'POST http://a/v1/chat/completions HTTP/1.1')],
  ['a target without a slash', () => framed([length], BODY, 'POST v1/chat/completions HTTP/1.1')],
  ['a target of a star', () => framed([], '', 'OPTIONS * HTTP/1.1')],
  ['a target with a fragment', () => framed([length], BODY, 'POST /v1/chat/completions?a#b HTTP/1.1')],
  [
    'a target with a raw byte above ASCII',
    () => framed([length], BODY, 'POST /v1/chat/completions?\xe9 HTTP/1.1'),
  ],
  ['HTTP/1.32', () => framed([length], BODY, 'POST /v1/chat/completions HTTP/1.32')],
  ['HTTP/2.0', () => framed([length], BODY, 'POST /v1/chat/completions HTTP/2.0')],
  ['a preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['no version', () => `GET /v1/models\r\n\r\n`],
  ['a version with a name of its own', () => framed([length], BODY, 'POST /v1/chat/completions ICE/1.1')],
  ['a header of 17 KB', () => framed([`X: ${'x'.repeat(17_000)}`, length], BODY)],
  [
    'a URL of 17 KB',
    () => framed([length], BODY, `POST /v1/chat/completions?${'x'.repeat(17_000)} HTTP/1.1`),
  ],
  ['a URL of 9 KB', () => framed([length], BODY, `POST /v1/chat/completions?${'x'.repeat(9000)} HTTP/1.1`)],
  ['2 500 headers', () => framed([...Array(2500).fill('a: b'), length], BODY)],
  ['101 headers', () => framed([...Array(101).fill('a: b'), length], BODY)],
  [
    'an upgrade to h2c',
    () => framed(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: x', length], BODY),
  ],
  ['an upgrade to WebSocket', () => framed(['Connection: Upgrade', 'Upgrade: websocket', length], BODY)],
  ['CONNECT', () => framed([], '', 'CONNECT evil.test:443 HTTP/1.1')],
  ['TRACE', () => framed([], '', 'TRACE /v1/models HTTP/1.1')],
  ['PROPFIND', () => framed([], '', 'PROPFIND /v1/models HTTP/1.1')],
  ['an unknown method', () => framed([], '', 'BREW /v1/models HTTP/1.1')],
  ['a body on GET', () => framed([length], BODY, 'GET /v1/models HTTP/1.1')],
  ['chunks on GET', () => framed([CHUNKED], chunks(HEX), 'GET /v1/models HTTP/1.1')],
  ['a gzip body', () => framed(['Content-Encoding: gzip', length], BODY)],
  ['two authorizations', () => framed(['Authorization: Bearer x', length], BODY)],
  ['nothing but noise', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a TLS hello and a request', () => `\x16\x03\x01${framed([length], BODY)}`],
]

test.each(REFUSED)('%s is refused', async (_name, request) => {
  const before = gateway.fake.record().length
  const { replies, closed, text } = await exchangeRaw(gateway.origin, request())
  for (const reply of replies) expect([400, 405, 408, 413, 415, 417, 431, 505]).toContain(reply.status)
  expect(replies.length > 0 || closed, text.slice(0, 200)).toBe(true)
  expect(gateway.fake.record().length).toBe(before)
})

test.each<readonly [string, () => string]>([
  ['mixed case chunked', () => framed(['Transfer-Encoding: Chunked'], chunks(HEX))],
  ['a tab before the value', () => framed(['Transfer-Encoding:\tchunked'], chunks(HEX))],
  [
    'an extension and trailers',
    () => framed([CHUNKED], chunks(`${HEX};a=b`, '\r\n0\r\nAuthorization: Bearer x\r\n\r\n')),
  ],
  [
    'HTTP/1.0 with a length',
    () => framed([length, 'Connection: close'], BODY, 'POST /v1/chat/completions HTTP/1.0'),
  ],
  [
    'header names of the language',
    () => framed(['__proto__: x', 'constructor: y', 'toString: z', length], BODY),
  ],
  ['Expect: 100-continue', () => framed(['Expect: 100-continue', length], BODY)],
])('%s is served, and nothing of it reaches the provider', async (_name, request) => {
  const { replies } = await exchangeRaw(gateway.origin, request())
  expect(replies.map((it) => it.status)).toEqual([200])
  const names =
    gateway.fake
      .record()
      .at(-1)
      ?.headers.map(([name]) => name.toLowerCase()) ?? []
  for (const name of ['transfer-encoding', '__proto__', 'expect', 'host2']) expect(names).not.toContain(name)
})

test('what follows a request on its connection does not change its answer', async () => {
  for (const after of [
    '\r',
    'garbage\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    '\0',
    framed([length, CHUNKED], chunks(HEX)),
  ]) {
    const { replies, text } = await exchangeRaw(gateway.origin, framed([length], BODY) + after)
    expect(replies[0]?.status, JSON.stringify(after.slice(0, 20))).toBe(200)
    expect(JSON.parse(replies[0]?.body.toString() ?? '').object, text).toBe('chat.completion')
    for (const reply of replies.slice(1)) expect(reply.status).toBe(400)
  }
})

test('pipelined requests are answered in their order, up to the first bad one', async () => {
  const ask = (model: string) => requestText(gateway.keys.normal, { body: chatBody(model) })
  const list = requestText(gateway.keys.normal, { method: 'GET', path: '/v1/models' })
  const { replies } = await exchangeRaw(
    gateway.origin,
    [ask('gpt-4o'), list, ask('no-such'), ask('gpt-4o-mini'), 'bad\r\n\r\n', list].join(''),
  )
  expect(replies.slice(0, 4).map((it) => it.status)).toEqual([200, 200, 404, 200])
  expect(replies.length).toBeLessThanOrEqual(5)
  expect(replies[4]?.status ?? 400).toBe(400)
})

test('callers who pipeline and leave are forgotten', async () => {
  const ask = requestText(gateway.keys.normal, { body: chatBody('stall', { stream: true }) })
  const bare = bareSocket(gateway.origin)
  await vi.waitFor(() =>
    expect(gateway.records().length).toBeGreaterThanOrEqual(gateway.fake.record().length),
  )
  const before = gateway.records().length
  const open = async () =>
    /headgate_open_requests (\d+)/.exec(
      (await send(gateway.opsOrigin, { method: 'GET', path: '/metrics' })).body.toString(),
    )?.[1]
  bare.socket.write(ask.repeat(20), 'latin1')
  await vi.waitFor(async () => expect(await open()).toBe('20'))
  bare.socket.destroy()
  await vi.waitFor(async () => expect(await open()).toBe('0'))
  const records = (await gateway.recordsWhen(before + 20)).slice(before)
  expect(new Set(records.map((it) => it.outcome))).toEqual(new Set(['aborted']))
})

test('a CONNECT that is torn down at once does not take the gateway with it', async () => {
  for (let i = 0; i < 20; i++) {
    const { hostname, port } = new URL(gateway.origin)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.once('connect', resolve))
    socket.write('CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, i))
    socket.resetAndDestroy()
  }
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await send(gateway.origin, { method: 'GET', path: '/livez' })).status).toBe(200)
})

test('a broken body gets an answer that names its call, and one record', async () => {
  const before = gateway.records().length
  const { replies } = await exchangeRaw(gateway.origin, framed([CHUNKED], chunks('zz')))
  expect(replies.map((it) => it.status)).toEqual([400])
  const [record] = (await gateway.recordsWhen(before + 1)).slice(before)
  expect(replies[0]?.headers['x-request-id']).toBe(record?.requestId)
  expect(record).toMatchObject({ outcome: 'refused', errorCode: 'invalid_request' })
})

test('a body above the limit is refused with an answer the caller can read, long or chunked', async () => {
  const big = Buffer.alloc(3 * 1024 * 1024, 0x20)
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  for (let i = 0; i < 5; i++) {
    const reply = await send(gateway.origin, { path: '/v1/completions', headers, body: big })
    expect(reply.status).toBe(413)
    expect(JSON.parse(reply.body.toString()).error.code).toBe('body_too_large')
    const chunked = await send(gateway.origin, {
      path: '/v1/completions',
      headers: { ...headers, 'transfer-encoding': 'chunked', 'content-type': 'application/json' },
      body: big,
    })
    expect(chunked.status).toBe(413)
  }
})

test('thirty megabytes too many are refused with an answer that can be read', async () => {
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  const reply = await send(gateway.origin, { headers, body: Buffer.alloc(30 * 1024 * 1024, 0x20) })
  expect(reply.status).toBe(413)
})

test('no caller ever gets an answer meant for another, whatever a third one sends', async () => {
  const poisons = REFUSED.map(([, request]) => request)
  const before = gateway.fake.record().length
  const asked = Array.from({ length: rounds(600) }, async (_, i) => {
    if (i % 2) {
      const { replies } = await exchangeRaw(
        gateway.origin,
        (poisons[i % poisons.length] as () => string)(),
        100,
      )
      for (const reply of replies) expect(reply.body.toString()).not.toContain('MARK-')
      return
    }
    const body = JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: `MARK-${i}-` }] })
    const reply = await send(gateway.origin, {
      headers: { authorization: `Bearer ${gateway.keys.normal}` },
      body,
    })
    expect(reply.body.toString()).toContain(`MARK-${i}-`)
    expect(
      reply.body
        .toString()
        .match(/MARK-\d+-/g)
        ?.every((it) => it === `MARK-${i}-`),
    ).toBe(true)
  })
  await Promise.all(asked)
  expect(gateway.fake.record().length - before).toBe(asked.length / 2)
})

test('a route that leads back to the gateway is cut at its first return', async () => {
  await using own = await startGateway()
  await own.publish((it) => ({
    ...it,
    resources: it.resources.map((resource) => ({ ...resource, origin: own.origin })),
  }))
  const headers = { authorization: `Bearer ${own.keys.normal}` }
  await vi.waitFor(async () => {
    const reply = await send(own.origin, { headers, body: chatBody('gpt-4o') })
    expect(reply.status).toBe(502)
  })
  expect(own.records().filter((it) => it.errorCode === 'loop_detected').length).toBeLessThanOrEqual(
    own.records().length / 2,
  )
  expect(own.records().some((it) => it.errorCode === 'loop_detected')).toBe(true)
})
