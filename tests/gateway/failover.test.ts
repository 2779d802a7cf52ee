/** Other deployments are tried only while nothing has reached the caller, and never more than four times. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({
    routes: {
      'failover-cut': [['cut-mid-stream'], ['gpt-4o']],
      'failover-stalled': [['slow-first-byte'], ['gpt-4o']],
      'failover-redirect': [['redirect'], ['gpt-4o']],
      'failover-auth': [['fail-401'], ['gpt-4o']],
      spread: [['gpt-4o', 'gpt-4o-mini']],
    },
  })
})
afterAll(() => gateway.stop())

/** Sends a call; gives the reply, the record of its end, those of failed attempts before, and the models tried. */
async function ask(model: string, more: object = {}) {
  gateway.fake.reset()
  const before = gateway.records().length
  const reply = await send(gateway.origin, {
    headers: { authorization: `Bearer ${gateway.keys.limited}` },
    body: chatBody(model, more),
  }).catch(() => null)
  const tried = gateway.fake.record().map((it) => it.model)
  const records = (await gateway.recordsWhen(before + tried.length)).slice(before)
  expect(records.map((it) => it.attempt)).toEqual(tried.map((_, i) => i + 1))
  return { reply, record: records.at(-1), failed: records.slice(0, -1), tried }
}

test.each(['failover-500', 'failover-429', 'failover-reset'])(
  '%s is served by the next tier',
  async (model) => {
    for (const stream of [false, true]) {
      const { reply, record, tried } = await ask(model, { stream })
      expect(reply?.status).toBe(200)
      expect(reply?.headers['x-headgate-attempts']).toBe('2')
      expect(reply?.headers['x-headgate-deployment']).toBe('gpt-4o')
      expect(tried.at(-1)).toBe('gpt-4o')
      expect(record).toMatchObject({
        outcome: 'succeeded',
        attempt: 2,
        upstreamModel: 'gpt-4o',
        alias: model,
      })
    }
  },
)

test.each([
  ['failover-400', 400],
  ['failover-redirect', 502],
  ['failover-auth', 502],
])(
  '%s is not tried elsewhere, since another deployment would say the same or must not hide it',
  async (model, status) => {
    const { reply, tried } = await ask(model)
    expect(reply?.status).toBe(status)
    expect(tried).toHaveLength(1)
  },
)

test('nothing is tried again once a byte of a stream has left', async () => {
  const { reply, record, tried } = await ask('failover-cut', { stream: true })
  expect(reply).toBeNull()
  expect(tried).toEqual(['cut-mid-stream'])
  expect(record).toMatchObject({ outcome: 'truncated', attempt: 1 })
})

test('an attempt that failed leaves a record of its own, which costs nothing', async () => {
  const { record, failed } = await ask('failover-500')
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatchObject({
    ...{ attempt: 1, upstreamModel: 'fail-500', outcome: 'failed', errorCode: 'upstream_error' },
    ...{ usageSource: 'none', costState: 'none', costNanos: null, stream: false },
    tokens: { input: 0, output: 0 },
  })
  expect(failed[0]?.requestId).toBe(record?.requestId)
  expect(failed[0]?.startedAt).toBe(record?.startedAt)
})

test('when all fail the last fault is told, and how long to wait', async () => {
  const { reply, record, tried } = await ask('failover-none')
  expect(reply?.status).toBe(503)
  expect(reply?.headers['x-should-retry']).toBe('true')
  expect(tried).toEqual(['fail-500', 'fail-503'])
  expect(record).toMatchObject({ outcome: 'failed', errorCode: 'upstream_capacity', attempt: 2 })
})

test('no call is sent more than four times', async () => {
  for (let i = 0; i < 10; i++) expect((await ask('failover-many')).tried.length).toBeLessThanOrEqual(4)
})

test('within a tier calls spread over the deployments', async () => {
  const seen = new Set<string | undefined>()
  for (let i = 0; i < 60 && seen.size < 2; i++)
    seen.add((await ask('spread')).record?.upstreamModel ?? undefined)
  expect(seen.size).toBe(2)
})

test('each attempt names its own model to the provider and asks for usage in streams', async () => {
  await ask('failover-500', { stream: true })
  for (const served of gateway.fake.record()) {
    const body = JSON.parse(served.body?.toString() ?? '')
    expect(body.model).toBe(served.model)
    expect(body.stream_options).toEqual({ include_usage: true })
  }
})

test('a busy provider’s wait is passed on, an absurd one is not', async () => {
  const { reply } = await ask('fail-429')
  expect(reply?.status).toBe(429)
  expect(reply?.headers['retry-after-ms']).toBe('2000')
  expect((await ask('fail-429-bare')).reply?.headers['retry-after-ms']).toBe('1000')
})
