/** A caller who leaves, at whatever point, stops the provider at once and leaves exactly one record. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { type BareSocket, bareSocket, chatBody, requestText } from './raw-client.ts'

/** The promise; held by the median, since a busy machine may hold up a single one. */
const CANCEL_MS_MAX = 250

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ models: ['stall-mid-stream-1', 'stall-mid-stream-6', 'slow-events-50ms'] })
})
afterAll(() => gateway.stop())

const ask = (model: string, more: object = {}) =>
  requestText(gateway.keys.limited, { body: chatBody(model, more) })

/** Where in a call the caller leaves: what to send, and when it is there. */
const PHASES: readonly (readonly [string, () => string, (bare: BareSocket) => Promise<unknown>])[] = [
  [
    'while the head is awaited',
    () => ask('stall', { stream: true }),
    () => atFake((it) => it.status === null),
  ],
  ['while a whole answer is awaited', () => ask('stall'), () => atFake((it) => it.status === null)],
  [
    'while half a whole answer has come',
    () => ask('stall-mid-stream'),
    () => atFake((it) => it.bytesSent > 0),
  ],
  [
    'after the head, before an event',
    () => ask('slow-first-event', { stream: true }),
    (bare) => bare.until((it) => it.includes('\r\n\r\n')),
  ],
  [
    'after the first event',
    () => ask('stall-mid-stream-1', { stream: true }),
    (bare) => bare.until((it) => it.includes('data: ')),
  ],
  [
    'in the middle of a stream',
    () => ask('stall-mid-stream-6', { stream: true }),
    (bare) => bare.until((it) => it.split('data: ').length > 5),
  ],
]

type Served = ReturnType<TestGateway['fake']['record']>[number]

async function atFake(fits: (served: Served) => boolean): Promise<void> {
  await vi.waitFor(
    () => {
      const served = gateway.fake.record().at(-1)
      expect(served !== undefined && served.outcome === null && fits(served)).toBe(true)
    },
    { interval: 5 },
  )
}

for (const leave of ['closes', 'resets'] as const) {
  test.each(PHASES)(
    `a caller who ${leave} the connection %s cancels the provider and is recorded once`,
    async (_name, request, there) => {
      gateway.fake.reset()
      const before = gateway.records().length
      const bare = bareSocket(gateway.origin)
      bare.socket.write(request(), 'latin1')
      await there(bare)
      if (leave === 'closes') bare.socket.destroy()
      else bare.socket.resetAndDestroy()
      await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.outcome).toBe('client-gone'), {
        interval: 5,
      })
      await gateway.recordsWhen(before + 1)
      await new Promise((resolve) => setTimeout(resolve, 30))
      const records = gateway.records().slice(before)
      expect(records).toHaveLength(1)
      expect(records[0]).toMatchObject({
        outcome: 'aborted',
        errorCode: 'client_closed',
        usageSource: 'counted',
        status: 499,
      })
      expect(records[0]?.tokens.input).toBeGreaterThan(0)
      expect(records[0]?.costState).toBe('unknown')
    },
  )
}

test('a caller who leaves before the body is whole never reaches the provider and uses nothing', async () => {
  gateway.fake.reset()
  const before = gateway.records().length
  const bare = bareSocket(gateway.origin)
  bare.socket.write(ask('gpt-4o').slice(0, -10), 'latin1')
  await vi.waitFor(async () => expect(bare.socket.bytesWritten).toBeGreaterThan(0))
  await new Promise((resolve) => setTimeout(resolve, 30))
  bare.socket.destroy()
  const records = (await gateway.recordsWhen(before + 1)).slice(before)
  expect(records[0]).toMatchObject({
    outcome: 'aborted',
    errorCode: 'client_closed',
    usageSource: 'none',
    costState: 'none',
  })
  expect(gateway.fake.record()).toEqual([])
})

test('a caller who leaves a keep-alive connection after a whole answer leaves no second record', async () => {
  const before = gateway.records().length
  const bare = bareSocket(gateway.origin)
  bare.socket.write(ask('gpt-4o'), 'latin1')
  await bare.until(() => bare.replies().length === 1)
  bare.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(
    gateway
      .records()
      .slice(before)
      .map((it) => it.outcome),
  ).toEqual(['succeeded'])
})

test('two hundred callers who leave at once leave two hundred records and no connection to the provider', async () => {
  gateway.fake.reset()
  const before = gateway.records().length
  const bares = Array.from({ length: 200 }, () => bareSocket(gateway.origin))
  for (const bare of bares) bare.socket.write(ask('stall-mid-stream-1', { stream: true }), 'latin1')
  await Promise.all(bares.map((bare) => bare.until((it) => it.includes('data: '))))
  for (const bare of bares) bare.socket.destroy()
  const records = (await gateway.recordsWhen(before + 200)).slice(before)
  expect(new Set(records.map((it) => it.requestId)).size).toBe(200)
  expect(new Set(records.map((it) => it.outcome))).toEqual(new Set(['aborted']))
  await vi.waitFor(() => {
    expect(gateway.fake.record().filter((it) => it.outcome !== 'client-gone')).toEqual([])
  })
})

test('what an aborted call held is given back but for what it used', async () => {
  const bare = bareSocket(gateway.origin)
  const before = gateway.records().length
  bare.socket.write(
    requestText(gateway.keys.fewTokens, { body: chatBody('stall', { max_tokens: 900, stream: true }) }),
    'latin1',
  )
  await atFake((it) => it.status === null)
  bare.socket.destroy()
  const record = (await gateway.recordsWhen(before + 1))[before]
  const again = bareSocket(gateway.origin)
  again.socket.write(
    requestText(gateway.keys.fewTokens, { body: chatBody('gpt-4o', { max_tokens: 100 }) }),
    'latin1',
  )
  await again.until(() => again.replies().length === 1)
  const reply = again.replies()[0]
  expect(reply?.status).toBe(200)
  expect(Number(reply?.headers['x-ratelimit-remaining-tokens'])).toBeGreaterThan(
    1000 - 130 - 2 * (record?.tokens.input ?? 0),
  )
  again.socket.destroy()
})

test('the provider sees a caller leave within a quarter of a second', async () => {
  const tookMs: number[] = []
  for (let i = 0; i < 15; i++) {
    gateway.fake.reset()
    const bare = bareSocket(gateway.origin)
    bare.socket.write(ask('stall-mid-stream-1', { stream: true }), 'latin1')
    await bare.until((it) => it.includes('data: '))
    const leftAtMs = performance.now()
    bare.socket.destroy()
    await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.outcome).toBe('client-gone'), { interval: 5 })
    tookMs.push(performance.now() - leftAtMs)
  }
  expect(tookMs.sort((a, b) => a - b)[7]).toBeLessThan(CANCEL_MS_MAX)
})
