/** What calls cost, through the whole gateway: by kind, by the tier of the answer, estimated, free on purpose, unknown. */
import type { Price } from '@headgate/domain/price'
import type { PriceLine } from '@headgate/domain/price-line'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody } from './raw-client.ts'

const KINDS = 'usage-800-400+every-kind'
const CUT = 'cut-mid-stream-2'
const SILENT = 'no-usage'

/** Nanos for one token of each kind, so that a bill can be made in one's head. */
const perToken = {
  ...{ input: 1, cache_write: 3, input_audio: 5, input_image: 7, output: 11, output_audio: 13 },
} as const

const line = (
  kind: PriceLine['kind'],
  nanos: number,
  serviceTier: PriceLine['serviceTier'] = 'standard',
) => ({
  ...{ kind, nanos: nanos * 1_000_000, serviceTier, aboveInputTokens: 0 },
})
const lines = [
  ...Object.entries(perToken).map(([kind, nanos]) => line(kind as keyof typeof perToken, nanos)),
  ...[line('input', 100, 'flex'), line('output', 200, 'flex'), line('input', 1000, 'priority')],
  line('output', 2000, 'priority'),
]

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ models: [KINDS, CUT, SILENT] })
  await gateway.publish((document) => {
    const [price] = document.prices as [Price]
    const more = [KINDS, CUT, SILENT].map((model) => ({ ...price, model, id: `pri_${model}`, lines }))
    const [reserved] = document.deployments.filter((it) => it.upstreamModel === 'gpt-4o-mini')
    const agreement = {
      ...{
        id: 'agr_1',
        resourceId: null,
        deploymentId: reserved!.id,
        multiplierMillionths: null,
        note: null,
      },
      ...{ reservedNanosPerHour: 5, currency: 'EUR', effectiveFrom: price.effectiveFrom, effectiveTo: null },
      createdAt: price.createdAt,
    }
    return { ...document, prices: [...document.prices, ...more], agreements: [agreement] }
  })
})
afterAll(() => gateway.stop())

async function ask(path: string, body: unknown) {
  const before = gateway.records().length
  const reply = await fetch(`${gateway.origin}/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.keys.normal}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  await reply.text().catch(() => {})
  return { reply, record: (await gateway.recordsWhen(before + 1))[before]! }
}

test.each([false, true])('each kind is billed by its own line, stream: %s', async (stream) => {
  const { record, reply } = await ask('/chat/completions', chatBody(KINDS, { stream }))
  const nanos = 300 * 1 + 200 * 3 + 200 * 5 + 100 * 7 + 200 * 11 + 200 * 13
  expect(record).toMatchObject({
    ...{ tokens: { input: 800, output: 400 }, usageSource: 'reported', serviceTier: 'default' },
    usageDetails: { cacheWrite: 200, inputAudio: 200, inputImage: 100, outputAudio: 200 },
    ...{ costState: 'priced', costNanos: nanos, currency: 'USD', priceId: `pri_${KINDS}`, agreementId: null },
  })
  if (!stream) expect(reply.headers.get('x-headgate-cost')).toBe('0.000007400')
})

test.each([false, true])('responses tell their tier and cache writes, stream: %s', async (stream) => {
  const { record } = await ask('/responses', { model: KINDS, input: 'hi', stream, service_tier: 'flex' })
  expect(record).toMatchObject({
    ...{ serviceTier: 'flex', usageDetails: { cacheWrite: 200 }, costState: 'priced' },
    costNanos: 800 * 100 + 400 * 200,
  })
})

test('a caller pays the tier of the answer, not one it plants beside', async () => {
  const planted = { service_tier: 'flex', usage: { input_tokens: 0, output_tokens: 0 } }
  const metadata = { service_tier: 'flex', usage: '{"input_tokens":0}' }
  const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties: planted } }]
  const { record } = await ask('/responses', {
    ...{ model: KINDS, input: 'hi', service_tier: 'priority', metadata, tools },
  })
  expect(record).toMatchObject({ serviceTier: 'priority', costNanos: 800 * 1000 + 400 * 2000 })
})

test('a stream that breaks off is counted, in the tier that was asked for', async () => {
  const { record } = await ask('/chat/completions', chatBody(CUT, { stream: true, service_tier: 'priority' }))
  const { input, output } = record.tokens
  expect(record).toMatchObject({
    ...{ outcome: 'truncated', usageSource: 'counted', serviceTier: 'priority', usageDetails: null },
    costNanos: input * 1000 + output * 2000,
  })
  expect(input).toBeGreaterThan(0)
})

test('an answer without usage is counted and marked so', async () => {
  const { record } = await ask('/chat/completions', chatBody(SILENT))
  const { input, output } = record.tokens
  expect(record).toMatchObject({ usageSource: 'counted', costNanos: input * 1 + output * 11 })
})

test('reserved capacity costs a call nothing, on purpose, and names its agreement', async () => {
  const { record, reply } = await ask('/chat/completions', chatBody('gpt-4o-mini'))
  expect(record).toMatchObject({ costState: 'free', costNanos: 0, agreementId: 'agr_1' })
  expect(reply.headers.get('x-headgate-cost')).toBe('0.000000000')
})

test('in a tier that the price does not name the cost is unknown, never that of another tier', async () => {
  const { record, reply } = await ask('/chat/completions', chatBody('gpt-4o', { service_tier: 'flex' }))
  expect(record).toMatchObject({ serviceTier: 'flex', costState: 'unknown', costNanos: null, priceId: null })
  expect(reply.headers.get('x-headgate-cost')).toBeNull()
})
