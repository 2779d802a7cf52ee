/** Limits as callers meet them: the refusal, the headers, and what a settled call gives back. */
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

const ports = ['memory', 'Redis'] as const
const gateways = new Map<string, TestGateway>()
beforeAll(async () => {
  gateways.set('memory', await startGateway({ models: ['usage-3000-1', 'usage-10-1'] }))
  gateways.set(
    'Redis',
    await startGateway({ models: ['usage-3000-1', 'usage-10-1'], redisUrl: await freshRedisUrl() }),
  )
})
afterAll(async () => {
  for (const gateway of gateways.values()) await gateway.stop()
})

function on(port: string) {
  const gateway = gateways.get(port) as TestGateway
  const ask = (key: string, model: string, more: object = {}) =>
    send(gateway.origin, { headers: { authorization: `Bearer ${key}` }, body: chatBody(model, more) })
  return { gateway, ask }
}

test.each(ports)(
  'on %s: above its requests a key is refused, and told whose limit it is and when to come back',
  async (port) => {
    const { gateway, ask } = on(port)
    const replies: Awaited<ReturnType<typeof ask>>[] = []
    for (let i = 0; i < 4; i++) replies.push(await ask(gateway.keys.fewRequests, 'gpt-4o'))
    expect(replies.map((it) => it.status)).toEqual([200, 200, 429, 429])
    expect(replies.slice(0, 2).map((it) => it.headers['x-ratelimit-remaining-requests'])).toEqual(['1', '0'])
    const { headers, body } = replies[2] as (typeof replies)[number]
    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '8',
      'x-ratelimit-remaining-requests': '0',
      'x-headgate-limit-scope': 'key',
      'x-should-retry': 'true',
      'content-type': 'application/json',
    })
    const waitMs = Number(headers['retry-after-ms'])
    expect(waitMs).toBeGreaterThan(3000)
    expect(waitMs).toBeLessThanOrEqual(9000)
    expect(Number(headers['retry-after'])).toBe(Math.ceil(waitMs / 1000))
    const { error } = JSON.parse(body.toString())
    expect(error).toMatchObject({ type: 'rate_limit_error', code: 'limit_requests', param: null })
    expect(error.headgate).toMatchObject({
      denied_by: 'gateway_limit',
      scope: { kind: 'key', name: 'few requests' },
      limit: 8,
      requested: 1,
      unit: 'requests/min',
      request_id: headers['x-request-id'],
    })
    const client = new OpenAI({
      baseURL: `${gateway.origin}/v1`,
      apiKey: gateway.keys.fewRequests,
      maxRetries: 0,
    })
    await expect(client.models.list()).resolves.toBeDefined()
    await expect(
      client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toBeInstanceOf(OpenAI.RateLimitError)
  },
)

test.each(ports)(
  'on %s: a limit of zero and a call above the whole limit say that waiting is no use',
  async (port) => {
    const { gateway, ask } = on(port)
    for (const reply of [
      await ask(gateway.keys.zero, 'gpt-4o'),
      await ask(gateway.keys.fewTokens, 'gpt-4o', { max_tokens: 5000 }),
    ]) {
      expect(reply.status).toBe(429)
      expect(reply.headers['x-should-retry']).toBe('false')
      expect(reply.headers['retry-after-ms']).toBeUndefined()
      expect(JSON.parse(reply.body.toString()).error.headgate.reset_in_ms).toBeUndefined()
    }
  },
)

test.each(ports)(
  'on %s: what a call did not use is given back, what it used beyond its estimate is charged',
  async (port) => {
    const { gateway, ask } = on(port)
    const key = gateway.keys.fewTokens
    for (let i = 0; i < 8; i++) {
      const reply = await ask(key, 'usage-10-1', { max_tokens: 700 })
      expect(reply.status, `call ${i}: ${reply.body}`).toBe(200)
      await gateway.recordsWhen(1)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const refused = await ask(key, 'usage-10-1', { max_tokens: 4000 })
    expect(refused.status).toBe(429)
    expect((await ask(key, 'usage-3000-1', { max_tokens: 10 })).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const after = await ask(key, 'usage-10-1', { max_tokens: 10 })
    expect(after.status).toBe(429)
    expect(JSON.parse(after.body.toString()).error.code).toBe('limit_tokens')
  },
)

test.each(ports)('on %s: a call that fails at the provider gives back all its tokens', async (port) => {
  const { gateway, ask } = on(port)
  const before = Number((await ask(gateway.keys.limited, 'gpt-4o')).headers['x-ratelimit-remaining-tokens'])
  for (let i = 0; i < 5; i++) await ask(gateway.keys.limited, 'fail-500', { max_tokens: 100_000 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  const after = Number((await ask(gateway.keys.limited, 'gpt-4o')).headers['x-ratelimit-remaining-tokens'])
  expect(Math.abs(after - before)).toBeLessThan(100_000)
})

test.each(ports)('on %s: a hundred calls at once are not admitted beyond the limit', async (port) => {
  const { gateway } = on(port)
  const own = await startGateway(port === 'Redis' ? { redisUrl: await freshRedisUrl() } : {})
  try {
    const replies = await Promise.all(
      Array.from({ length: 100 }, () =>
        send(own.origin, {
          headers: { authorization: `Bearer ${own.keys.fewRequests}` },
          body: chatBody('gpt-4o'),
        }),
      ),
    )
    const admitted = replies.filter((it) => it.status === 200).length
    expect(admitted).toBeGreaterThanOrEqual(2)
    expect(admitted).toBeLessThanOrEqual(3)
    expect(replies.filter((it) => it.status === 429)).toHaveLength(100 - admitted)
    expect(own.fake.record()).toHaveLength(admitted)
    expect((await own.recordsWhen(100)).length).toBe(100)
  } finally {
    await own.stop()
  }
  expect(gateway.logLines.filter((it) => it.level === 'error')).toEqual([])
})

test('a ledger that cannot judge refuses with 503 and nothing reaches the provider', async () => {
  const { GatewayError } = await import('@headgate/domain/gateway-error')
  const own = await startGateway({
    spoil: () => ({
      ledger: {
        reserve: () => Promise.reject(new GatewayError('limiter_unavailable', { retryAfterMs: 1000 })),
        settle: () => {},
        progress: () => {},
        look: async () => [],
        restore: async () => {},
      },
    }),
  })
  const sent = { headers: { authorization: `Bearer ${own.keys.limited}` }, body: chatBody('gpt-4o') }
  const reply = await send(own.origin, sent)
  expect(reply.status).toBe(503)
  expect(reply.headers['retry-after']).toBe('1')
  expect(own.fake.record()).toEqual([])
  expect((await own.recordsWhen(1))[0]).toMatchObject({ errorCode: 'limiter_unavailable', outcome: 'failed' })
  await own.stop()
})
