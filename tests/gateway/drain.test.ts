/** Going down and changing under load: streams end, catalogs change, and nobody is dropped. */
import OpenAI from 'openai'
import { expect, test, vi } from 'vitest'
import { recordsNamed } from './demo-keys.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { bareSocket, chatBody, open, requestText, send } from './raw-client.ts'

const key = (gateway: TestGateway) => ({ authorization: `Bearer ${gateway.keys.normal}` })

async function readText(gateway: TestGateway, model: string): Promise<string> {
  const client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: gateway.keys.normal, maxRetries: 0 })
  let text = ''
  const messages = [{ role: 'user' as const, content: 'Hello' }]
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? ''
  }
  return text
}

test('a stop lets open streams end, refuses new connections and loses no record', async () => {
  const gateway = await startGateway({ models: ['long-stream-1s'], drainMs: 10_000 })
  const streams = Array.from({ length: 10 }, () => readText(gateway, 'long-stream-1s'))
  await vi.waitFor(() => expect(gateway.fake.record().filter((it) => it.eventsSent > 0)).toHaveLength(10))
  const stopping = gateway.stopGateway()
  await expect(send(gateway.origin, { method: 'GET', path: '/livez' })).rejects.toThrow()
  const texts = await Promise.all(streams)
  await stopping
  for (const text of texts) expect(text.length).toBeGreaterThan(20)
  expect(gateway.records().map((it) => it.outcome)).toEqual(Array(10).fill('succeeded'))
  await gateway.stop()
})

test('a keep-alive connection gets its answer while the gateway goes down, and is then closed', async () => {
  const gateway = await startGateway({ models: ['slow-first-byte-300ms'], drainMs: 5000 })
  const bare = bareSocket(gateway.origin)
  bare.socket.write(requestText(gateway.keys.normal, { body: chatBody('slow-first-byte-300ms') }), 'latin1')
  await vi.waitFor(() => expect(gateway.fake.record()).toHaveLength(1))
  const stopping = gateway.stopGateway()
  await bare.closed
  expect(bare.replies().map((it) => it.status)).toEqual([200])
  await stopping
  await gateway.stop()
})

test('what is not done when the time is up is told so, cut and recorded', async () => {
  const gateway = await startGateway({ models: ['stall-mid-stream-1'], drainMs: 100 })
  const stream = bareSocket(gateway.origin)
  const ask = (more: object) =>
    requestText(gateway.keys.normal, { body: chatBody('stall-mid-stream-1', more) })
  stream.socket.write(ask({ stream: true }), 'latin1')
  await stream.until((it) => it.includes('data: '))
  const whole = bareSocket(gateway.origin)
  whole.socket.write(requestText(gateway.keys.normal, { body: chatBody('stall') }), 'latin1')
  await vi.waitFor(() => expect(gateway.fake.record()).toHaveLength(2))
  await gateway.stopGateway()
  await stream.closed
  await whole.closed
  expect(stream.text()).toContain('"code":"draining"')
  expect(stream.text()).not.toContain('\r\n0\r\n')
  const records = await gateway.recordsWhen(2)
  expect(records).toHaveLength(2)
  expect(records.map((it) => it.stream).sort()).toEqual([false, true])
  await vi.waitFor(() => {
    expect(gateway.fake.record().map((it) => it.outcome)).toEqual(['client-gone', 'client-gone'])
  })
  await gateway.stop()
})

test('a hundred catalogs published while streams are open drop no stream and no connection', async () => {
  const gateway = await startGateway({ models: ['long-stream-1s'] })
  const bare = bareSocket(gateway.origin)
  const list = requestText(gateway.keys.normal, { method: 'GET', path: '/v1/models' })
  const streams = Array.from({ length: 10 }, () => readText(gateway, 'long-stream-1s'))
  await vi.waitFor(() => expect(gateway.fake.record().filter((it) => it.eventsSent > 0)).toHaveLength(10))
  let version = 1
  for (let i = 0; i < 100; i++) {
    version = await gateway.publish((it) =>
      i % 2 ? it : { ...it, aliases: [], routes: [], deployments: [], resources: [] },
    )
    if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  for (const text of await Promise.all(streams)) expect(text.length).toBeGreaterThan(20)
  bare.socket.write(list, 'latin1')
  await bare.until(() => bare.replies().length === 1)
  expect(bare.replies()[0]?.headers['x-headgate-config-version']).toBe(String(version))
  expect(
    gateway
      .records()
      .filter((it) => it.stream)
      .map((it) => [it.outcome, it.catalogVersion]),
  ).toEqual(Array(10).fill(['succeeded', 1]))
  bare.socket.destroy()
  await gateway.stop()
})

test('from the next catalog on a removed model is gone and an added one is there', async () => {
  await using gateway = await startGateway()
  const before = await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o') })
  expect(before.status).toBe(200)
  const version = await gateway.publish((it) => ({
    ...it,
    aliases: it.aliases.filter((alias) => alias.name !== 'gpt-4o'),
  }))
  await vi.waitFor(async () => {
    const reply = await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o-mini') })
    expect(reply.headers['x-headgate-config-version']).toBe(String(version))
  })
  expect((await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o') })).status).toBe(404)
  await gateway.publish()
  await vi.waitFor(async () => {
    expect((await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o') })).status).toBe(200)
  })
})

test('a revoked key is refused from then on, while its open stream ends', async () => {
  await using gateway = await startGateway({ models: ['long-stream-500ms'] })
  const stream = readText(gateway, 'long-stream-500ms')
  await vi.waitFor(() => expect(gateway.fake.record()[0]?.eventsSent).toBeGreaterThan(0))
  const [record] = recordsNamed(gateway.keys, 'normal')
  await gateway.putKeys([{ ...record, state: 'revoked' }])
  const reply = await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o') })
  expect(reply.status).toBe(401)
  expect((await stream).length).toBeGreaterThan(20)
})

test('readiness says no while there is no catalog and while the gateway goes down', async () => {
  const gateway = await startGateway({ models: ['long-stream-500ms'], drainMs: 5000 })
  const ready = async () => (await send(gateway.opsOrigin, { method: 'GET', path: '/readyz' })).status
  expect(await ready()).toBe(200)
  const message = await open(gateway.origin, {
    headers: key(gateway),
    body: chatBody('long-stream-500ms', { stream: true }),
  })
  message.resume()
  const stopping = gateway.stopGateway()
  expect(await ready()).toBe(503)
  await stopping
  await gateway.stop()
})

test('before its first catalog a gateway answers 503 and asks to come back', async () => {
  await using gateway = await startGateway({
    spoil: ({ catalogFeed }) => ({ catalogFeed: { ...catalogFeed, newerThan: async () => null } }),
  })
  const reply = await send(gateway.origin, { headers: key(gateway), body: chatBody('gpt-4o') })
  expect([reply.status, reply.headers['retry-after']]).toEqual([503, '1'])
  expect((await gateway.recordsWhen(1))[0]).toMatchObject({ errorCode: 'not_ready', catalogVersion: null })
})
