/** Silence: heartbeats for the caller, time-outs for the provider. Tests move the monotonic clock, not the hands of people. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { type BareSocket, bareSocket, chatBody, requestText } from './raw-client.ts'

let gateway: TestGateway
const started: BareSocket[] = []
let aheadMs = 0
beforeAll(async () => {
  const realNow = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + aheadMs)
  gateway = await startGateway({ models: ['stall-mid-stream-1', 'gzip+stall-mid-stream-2'] })
})
afterEach(() => {
  for (const bare of started.splice(0)) bare.socket.destroy()
})
afterAll(async () => {
  vi.restoreAllMocks()
  await gateway.stop()
})

function ask(model: string, more: object = {}): BareSocket {
  const bare = bareSocket(gateway.origin)
  started.push(bare)
  bare.socket.write(requestText(gateway.keys.normal, { body: chatBody(model, more) }), 'latin1')
  return bare
}

/** The record that comes next, after the time has been moved on. */
async function recordAfter(ms: number, bare: BareSocket) {
  const before = gateway.records().length
  aheadMs += ms
  const record = (await gateway.recordsWhen(before + 1))[before]
  await vi.waitFor(() => expect(bare.text()).not.toBe(''))
  return record
}

const beats = (text: string) => text.split(': heartbeat\n\n').length - 1

test('fifteen seconds of silence bring one comment, which no client takes for an event', async () => {
  const bare = ask('stall-mid-stream-1', { stream: true })
  await bare.until((it) => it.includes('data: '))
  aheadMs += 14_000
  await new Promise((resolve) => setTimeout(resolve, 1200))
  expect(beats(bare.text())).toBeLessThanOrEqual(1)
  aheadMs += 2000
  await bare.until((it) => beats(it) === 1)
  aheadMs += 16_000
  await bare.until((it) => beats(it) === 2)
  expect(bare.text()).toMatch(/\n\n\r\n[0-9a-f]+\r\n: heartbeat\n\n/)
})

test('a caller waiting for the first event is kept company, too', async () => {
  const bare = ask('slow-first-event', { stream: true })
  await bare.until((it) => it.includes('\r\n\r\n'))
  aheadMs += 16_000
  await bare.until((it) => beats(it) === 1)
})

test('nothing is put into a compressed stream', async () => {
  const bare = ask('gzip+stall-mid-stream-2', { stream: true })
  await bare.until((it) => it.includes('\r\n\r\n'))
  aheadMs += 16_000
  await new Promise((resolve) => setTimeout(resolve, 1300))
  expect(beats(bare.text())).toBe(0)
})

test('a provider without a head for a minute of a stream is a 504, and the caller may retry', async () => {
  const bare = ask('stall', { stream: true })
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.model).toBe('stall'))
  const record = await recordAfter(61_000, bare)
  await bare.until(() => bare.replies().length === 1)
  expect(bare.replies()[0]?.status).toBe(504)
  expect(bare.replies()[0]?.headers['x-should-retry']).toBe('true')
  expect(record).toMatchObject({ outcome: 'failed', errorCode: 'upstream_timeout', usageSource: 'counted' })
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.outcome).toBe('client-gone'))
})

test('a whole answer may take ten minutes and no more', async () => {
  const bare = ask('stall')
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.outcome).toBeNull())
  await new Promise((resolve) => setTimeout(resolve, 50))
  aheadMs += 590_000
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(bare.text()).toBe('')
  expect(await recordAfter(11_000, bare)).toMatchObject({ errorCode: 'upstream_timeout', status: 504 })
})

test('half a whole answer and then silence is a 504, not half an answer', async () => {
  const bare = ask('stall-mid-stream')
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.bytesSent).toBeGreaterThan(0))
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await recordAfter(61_000, bare)).toMatchObject({ errorCode: 'upstream_timeout', outcome: 'failed' })
  await bare.until(() => bare.replies().length === 1)
  expect(bare.replies().map((it) => it.status)).toEqual([504])
})

test('a stream silent for a minute is cut with an error event', async () => {
  const bare = ask('stall-mid-stream-1', { stream: true })
  await bare.until((it) => it.includes('data: '))
  expect(await recordAfter(61_000, bare)).toMatchObject({
    outcome: 'truncated',
    errorCode: 'upstream_timeout',
  })
  await bare.closed
  expect(bare.text()).toContain('"code":"upstream_timeout"')
  expect(bare.text()).not.toContain('\r\n0\r\n')
})

test('a caller who does not read for a minute is let go, and the provider with it', async () => {
  const bare = ask('huge-event', { stream: true, n: 64 })
  bare.socket.pause()
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.bytesSent).toBeGreaterThan(1_000_000))
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(gateway.fake.record().at(-1)?.outcome).toBeNull()
  const before = gateway.records().length
  aheadMs += 62_000
  const record = (await gateway.recordsWhen(before + 1))[before]
  expect(record).toMatchObject({ outcome: 'aborted' })
  await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.outcome).toBe('client-gone'))
})
