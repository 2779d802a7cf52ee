/** The front serves plain requests itself and leaves the rest to Node's server; no caller can tell which it was. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { bareSocket, chatBody, requestText, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.stop())

const plain = (body = chatBody('gpt-4o')) => requestText(gateway.keys.normal, { body })
const chunked = () => {
  const body = Buffer.from(chatBody('gpt-4o')).toString('latin1')
  const size = body.length.toString(16)
  const head = plain()
    .split('\r\n\r\n')[0]
    ?.replace(/content-length: \d+/i, 'Transfer-Encoding: chunked')
  return `${head}\r\n\r\n${size}\r\n${body}\r\n0\r\n\r\n`
}
const models = () => requestText(gateway.keys.normal, { method: 'GET', path: '/v1/models' })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('however a request is cut into pieces, it gets its answer, and one record', async () => {
  const text = plain()
  const step = Math.max(1, Math.floor(text.length / rounds(24)))
  const before = gateway.records().length
  let count = 0
  for (let at = 1; at < text.length; at += step) {
    const bare = bareSocket(gateway.origin)
    bare.socket.write(text.slice(0, at), 'latin1')
    await pause(3)
    bare.socket.write(text.slice(at), 'latin1')
    await bare.until(() => bare.replies().length === 1)
    expect(bare.replies()[0]?.status, `cut at ${at}`).toBe(200)
    bare.socket.destroy()
    count += 1
  }
  expect((await gateway.recordsWhen(before + count)).length).toBe(before + count)
})

test('a connection may turn unusual and back, and each request on it is answered', async () => {
  const bare = bareSocket(gateway.origin)
  for (const [at, ask] of [plain, plain, chunked, plain, models, plain].entries()) {
    bare.socket.write(ask(), 'latin1')
    await bare.until(() => bare.replies().length === at + 1)
  }
  expect(bare.replies().map((it) => it.status)).toEqual([200, 200, 200, 200, 200, 200])
  bare.socket.destroy()
})

test('what a caller sends ahead while its call is under way is answered after it', async () => {
  const bare = bareSocket(gateway.origin)
  bare.socket.write(plain(chatBody('slow-first-byte')), 'latin1')
  await pause(20)
  bare.socket.write(plain(), 'latin1')
  await pause(20)
  bare.socket.write(models() + chunked(), 'latin1')
  await bare.until(() => bare.replies().length === 4)
  expect(bare.replies().map((it) => it.status)).toEqual([200, 200, 200, 200])
  expect(JSON.parse(bare.replies()[2]?.body.toString() ?? '').object).toBe('list')
  bare.socket.destroy()
})

test('a request smuggled behind a length is a part of the body, never a request', async () => {
  const inner = plain(chatBody('gpt-4o-mini'))
  const before = gateway.fake.record().length
  for (let i = 0; i < rounds(20); i++) {
    const bare = bareSocket(gateway.origin)
    // The body is the smuggled request and is no JSON; had it been taken for a request, two answers would come.
    bare.socket.write(requestText(gateway.keys.normal, { body: inner }), 'latin1')
    await bare.until(() => bare.replies().length === 1)
    bare.socket.write(plain(), 'latin1')
    await bare.until(() => bare.replies().length === 2)
    expect(bare.replies().map((it) => it.status)).toEqual([400, 200])
    bare.socket.destroy()
  }
  const served = gateway.fake.record().slice(before)
  expect(served.length).toBe(rounds(20))
})

test('both ways a reply has the same headers', async () => {
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  const [front, node] = await Promise.all([
    send(gateway.origin, { headers, body: chatBody('gpt-4o') }),
    send(gateway.origin, {
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body: chatBody('gpt-4o'),
    }),
  ])
  expect(Object.keys(front.headers).sort()).toEqual(Object.keys(node.headers).sort())
  const stream = { headers, body: chatBody('gpt-4o', { stream: true }) }
  const [frontStream, nodeStream] = await Promise.all([
    send(gateway.origin, stream),
    send(gateway.origin, { ...stream, headers: { ...headers, 'transfer-encoding': 'chunked' } }),
  ])
  expect(Object.keys(frontStream.headers).sort()).toEqual(Object.keys(nodeStream.headers).sort())
  expect(frontStream.body.length).toBe(nodeStream.body.length)
})

test('a caller who leaves in the middle of a body is one aborted call', async () => {
  const before = gateway.records().length
  for (const leave of ['end', 'destroy'] as const) {
    const bare = bareSocket(gateway.origin)
    bare.socket.write(plain().slice(0, -10), 'latin1')
    await pause(20)
    bare.socket[leave]()
    await bare.closed
  }
  const records = (await gateway.recordsWhen(before + 2)).slice(before)
  expect(records.map((it) => [it.outcome, it.errorCode])).toEqual([
    ['aborted', 'client_closed'],
    ['aborted', 'client_closed'],
  ])
})

test('a body over the limit is refused before it is read, and its caller gets to read why', async () => {
  const bare = bareSocket(gateway.origin)
  const head = plain()
    .split('\r\n\r\n')[0]
    ?.replace(/content-length: \d+/i, 'Content-Length: 900000000')
  bare.socket.write(`${head}\r\n\r\n${'x'.repeat(100_000)}`, 'latin1')
  await bare.closed
  expect(bare.replies().map((it) => it.status)).toEqual([413])
  expect(bare.replies()[0]?.headers.connection).toBe('close')
})
