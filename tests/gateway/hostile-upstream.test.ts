/** A provider, or whoever stands in its place, that speaks HTTP badly: no half answer passes for a whole one, nobody gets another's. */

import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

const JSON_BODY =
  '{"object":"chat.completion","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
const whole = (body = JSON_BODY, lines: readonly string[] = []) =>
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    ...lines,
    '',
    body,
  ].join('\r\n')
const chunked = (text: string, type = 'text/event-stream') =>
  `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n${text}`
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

type Script = (socket: Socket, request: string, connection: number) => void

/** A gateway over a provider that is a script on bare sockets. */
async function overScript(script: Script): Promise<TestGateway & { connections: () => number }> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    const connection = ++connections
    let text = ''
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const length = Number(/content-length: (\d+)/.exec(text)?.[1] ?? 0)
      const bodyAt = text.indexOf('\r\n\r\n') + 4
      if (bodyAt < 4 || text.length < bodyAt + length) return
      const request = text.slice(0, bodyAt + length)
      text = text.slice(bodyAt + length)
      script(socket, request, connection)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const upstreamOrigin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const gateway = await startGateway({ upstreamOrigin })
  const stop = async () => {
    await gateway.stop()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { ...gateway, connections: () => connections, stop, [Symbol.asyncDispose]: stop }
}

const ask = (gateway: TestGateway, body: string | object = chatBody('gpt-4o')) =>
  send(gateway.origin, { headers: { authorization: `Bearer ${gateway.keys.normal}` }, body })

const BROKEN: readonly (readonly [string, string])[] = [
  ['a length that is too long', whole().replace(/content-length: \d+/, 'content-length: 9999')],
  ['two lengths', whole(JSON_BODY, ['content-length: 5'])],
  ['a length and chunks', whole(JSON_BODY, ['transfer-encoding: chunked'])],
  ['a bad chunk size', chunked('zz\r\n', 'application/json')],
  ['chunks without an end', chunked(chunk(JSON_BODY), 'application/json')],
  ['a chunk longer than it says', chunked(`3\r\n${JSON_BODY}\r\n0\r\n\r\n`, 'application/json')],
  ['bare line feeds', whole().replaceAll('\r\n', '\n')],
  ['no HTTP at all', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['HTTP/2', '\0\0\x12\x04\0\0\0\0\0\r\n\r\n'],
  ['an unasked upgrade', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
  ['a flood of hints', 'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(1000)],
  ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`],
  ['ten thousand headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}\r\n`],
  ['nothing', ''],
]

test.each(BROKEN)('%s is a 502, never a 200', async (_name, answer) => {
  await using gateway = await overScript((socket) => socket.end(answer, 'latin1'))
  const reply = await ask(gateway)
  expect(reply.status).toBe(502)
  expect((await gateway.recordsWhen(1)).map((it) => it.outcome)).toEqual(['failed'])
})

test('HTML, text and broken JSON with a 200 pass as what they are and are metered by estimate', async () => {
  for (const [body, type] of [
    ['<html>sorry</html>', 'text/html'],
    ['oops', 'text/plain'],
    ['{"usage":{"prompt_tokens":', 'application/json'],
    ['', 'application/json'],
  ] as const) {
    await using gateway = await overScript((socket) =>
      socket.write(whole(body).replace('application/json', type)),
    )
    const reply = await ask(gateway)
    expect([reply.status, reply.body.toString(), reply.headers['content-type']]).toEqual([200, body, type])
    expect((await gateway.recordsWhen(1))[0]).toMatchObject({ usageSource: 'estimated' })
  }
})

test('hostile usage is never believed and never credits anybody', async () => {
  for (const figure of ['-5', '1e308', '"12"', 'null', '[]', '1.5', '99999999999999999999']) {
    const body = `{"usage":{"prompt_tokens":${figure},"completion_tokens":${figure}}}`
    await using gateway = await overScript((socket) => socket.write(whole(body)))
    expect((await ask(gateway)).status).toBe(200)
    const record = (await gateway.recordsWhen(1))[0]
    expect(record?.usageSource, figure).toBe('estimated')
    expect(record?.costNanos).toBeGreaterThan(0)
  }
})

test('bytes after an answer are given to nobody, and the connection is not used again', async () => {
  const poison = whole('{"poison":true}')
  for (const late of [false, true]) {
    await using gateway = await overScript((socket, request) => {
      const marker = /MARK-\d+/.exec(request)?.[0]
      if (late) setTimeout(() => socket.write(poison), 5)
      socket.write(whole(`{"echo":"${marker}"}`) + (late ? '' : poison))
    })
    for (let i = 0; i < 30; i++) {
      const reply = await ask(gateway, chatBody('gpt-4o', { user: `MARK-${i}` }))
      expect(JSON.parse(reply.body.toString())).toEqual({ echo: `MARK-${i}` })
      if (late) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(gateway.connections()).toBe(30)
  }
})

test('an answer that comes before the request is through is passed on, and its connection not used again', async () => {
  const sockets = new Set<Socket>()
  const early = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.pause()
      socket.write(whole('{"early":true}'))
    })
  })
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
  const upstreamOrigin = `http://127.0.0.1:${(early.address() as AddressInfo).port}`
  await using gateway = await startGateway({ upstreamOrigin })
  for (let i = 1; i <= 2; i++) {
    const reply = await ask(gateway, chatBody('gpt-4o', { padding: 'x'.repeat(24 * 1024 * 1024) }))
    expect(reply.body.toString()).toBe('{"early":true}')
    expect(sockets.size).toBe(i)
  }
  for (const socket of sockets) socket.destroy()
  early.close()
})

test('a connection the provider closes while it idles is not the next caller’s problem', async () => {
  await using gateway = await overScript((socket) => {
    socket.write(whole())
    setTimeout(() => socket.destroy(), 20)
  })
  for (let i = 0; i < 5; i++) {
    expect((await ask(gateway)).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  expect(gateway.connections()).toBe(5)
})

test('good connections are used again', async () => {
  await using gateway = await overScript((socket) => socket.write(whole()))
  for (let i = 0; i < 10; i++) expect((await ask(gateway)).status).toBe(200)
  expect(gateway.connections()).toBe(1)
})

test('a stream may be cut after any byte and never looks finished', async () => {
  const events =
    'data: {"choices":[{"index":0,"delta":{"content":"é"}}]}\n\ndata: {"choices":[{"index":0,"delta":{"content":"[DONE]"}}]}\n\n'
  const bytes = chunked(chunk(events))
  const headEnd = bytes.indexOf('\r\n\r\n') + 4
  for (let cut = headEnd; cut < bytes.length; cut += 3) {
    await using gateway = await overScript((socket) => socket.end(bytes.slice(0, cut)))
    await expect(ask(gateway, chatBody('gpt-4o', { stream: true })), String(cut)).rejects.toThrow()
    expect((await gateway.recordsWhen(1)).map((it) => it.outcome)).toEqual(['truncated'])
  }
}, 60_000)

test('an answer that never ends is cut at its bound without filling the memory', async () => {
  let stopped = false
  await using gateway = await overScript((socket) => {
    socket.write(chunked('', 'application/json'))
    const block = Buffer.from(chunk('x'.repeat(1024 * 1024)))
    const pump = () => {
      while (!socket.destroyed && socket.write(block));
    }
    socket.on('drain', pump)
    socket.on('close', () => {
      stopped = true
    })
    pump()
  })
  expect((await ask(gateway)).status).toBe(502)
  await vi.waitFor(() => expect(stopped).toBe(true))
}, 60_000)

test('headers of the provider with odd bytes do not stop its answer, or are a 502', async () => {
  for (const value of ['caf\xe9', 'a\tb', 'x'.repeat(5000)]) {
    await using gateway = await overScript((socket) =>
      socket.write(
        Buffer.from(whole(JSON_BODY, [`openai-version: ${value}`, `x-request-id: ${value}`]), 'latin1'),
      ),
    )
    const reply = await ask(gateway)
    expect(reply.status).toBe(200)
    expect((await gateway.recordsWhen(1))[0]?.outcome).toBe('succeeded')
  }
})
