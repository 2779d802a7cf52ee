// Shows that loader and mock upstream work together: real processes, real sockets, one second each.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chatBody } from './bodies.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import { ownTools, type Upstream } from './load-tools.ts'

// Counts alone are asserted, so it does not matter which core they are taken on.
const tools = ownTools(null)

let upstream: Upstream
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-bench-test-'))
  upstream = await tools.startUpstream()
})

afterAll(async () => {
  await upstream.stop()
  rmSync(folder, { recursive: true })
})

async function loadWith(
  body: string,
  plan: Partial<LoadPlan> & Pick<LoadPlan, 'shape'>,
): Promise<LoadResult> {
  const bodyFile = join(folder, 'body.json')
  writeFileSync(bodyFile, body)
  const run = await tools.startRun({
    host: '127.0.0.1',
    port: upstream.port,
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer nobody' },
    bodyFile,
    connections: 4,
    ratePerSecond: 0,
    warmUpSeconds: 0.2,
    seconds: 1,
    ...plan,
  })
  const [result] = await Promise.all([run.result, run.measuring])
  await run.stop()
  return result
}

test('a closed loop completes requests and keeps every connection in flight', async () => {
  const result = await loadWith(chatBody({ bytes: 1536, stream: false }), { shape: 'closed' })
  expect(result).toMatchObject({ errors: 0, non2xx: 0, queuedAtEnd: 0, chunks: 0 })
  expect(result.completed).toBeGreaterThan(10)
  expect(result.inFlightAtEnd).toBeLessThanOrEqual(4)
})

test('bodies of 200 KB go through whole', async () => {
  const result = await loadWith(chatBody({ bytes: 200_000, stream: false }), { shape: 'closed' })
  expect(result).toMatchObject({ errors: 0, non2xx: 0 })
  expect(result.completed).toBeGreaterThan(10)
})

test('an open loop sends at its rate, no more', async () => {
  const body = chatBody({ bytes: 1536, stream: false })
  const result = await loadWith(body, { shape: 'open', ratePerSecond: 100, connections: 16 })
  expect(result).toMatchObject({ errors: 0, non2xx: 0 })
  expect(result.completed).toBeGreaterThan(10)
  expect(result.completed).toBeLessThanOrEqual(102)
})

test('streams carry every stamped event and begin again when they end', async () => {
  const body = chatBody({ bytes: 1536, stream: true, directives: 'chunks=10,gap=5' })
  const result = await loadWith(body, { shape: 'streams' })
  expect(result).toMatchObject({ errors: 0, non2xx: 0 })
  expect(result.completed).toBeGreaterThan(4)
  expect(result.chunkTransit.count).toBe(result.chunks)
  expect(Math.abs(result.chunks - result.completed * 10)).toBeLessThanOrEqual(2 * 4 * 10)
})

test('where nobody listens every request is an error, and the run still ends', async () => {
  const elsewhere = await tools.startUpstream()
  await elsewhere.stop()
  const result = await loadWith('{}', { shape: 'closed', port: elsewhere.port })
  expect(result.completed).toBe(0)
  expect(result.errors).toBeGreaterThan(4)
})
