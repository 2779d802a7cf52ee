/** What a key is told of itself over real HTTP, on memory and on real Redis: truly, of nobody else, and for nothing. */
import { idSource } from '@headgate/domain/id'
import { LimitRule } from '@headgate/domain/limit'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { budget, CENT, errorOf, type Ids, ports } from './budget-world.ts'
import { recordsNamed } from './demo-keys.ts'
import { type GatewayOptions, startGateway, type TestGateway } from './harness.ts'
import { chatBody, open, type RawReply, send } from './raw-client.ts'

const newId = idSource()
let gateway: TestGateway
let answering = new AbortController()
afterEach(() => {
  answering.abort()
  return gateway.stop()
})

async function start(port: (typeof ports)[number], options: GatewayOptions = {}): Promise<void> {
  gateway = await startGateway({ ...options, ...(port === 'Redis' && { redisUrl: await freshRedisUrl() }) })
  answering = new AbortController()
}

/** Answers questions as a control plane would that holds these records. */
function answerFrom(records: () => readonly UsageRecord[]): void {
  const { signal } = answering
  void (async () => {
    while (!signal.aborted) {
      for (const { question, answer } of await gateway.callQuestions.take(10, 100).catch(() => []))
        await answer(
          records().filter((it) => it.requestId === question.requestId && it.keyId === question.keyId),
        )
    }
  })()
}

const get = (path: string, key = gateway.keys.normal) =>
  send(gateway.origin, {
    method: 'GET',
    path: `/v1/headgate${path}`,
    headers: { authorization: `Bearer ${key}` },
  })
const call = (model: string, more: object = {}, key = gateway.keys.normal) =>
  send(gateway.origin, { headers: { authorization: `Bearer ${key}` }, body: chatBody(model, more) })
const bodyOf = ({ body }: RawReply) => JSON.parse(body.toString())
const idOf = ({ headers }: RawReply) => headers['x-request-id'] ?? ''

type Told = {
  readonly scope: { readonly kind: string }
  readonly measure: string
  readonly model: string | null
  readonly limit: number
  readonly remaining: number
}

function dayLimit(ids: Ids, ownerId: string, amount: number, model: string | null = null): LimitRule {
  return LimitRule.parse({
    ...{ id: newId('lim', Date.now()), teamId: ids.teamId, ownerId, parentId: null, quotaId: null, model },
    ...{ measure: 'tokens_per_day', amount, share: null, guarantee: null, borrows: false, onOutage: 'local' },
  })
}

describe.each(ports)('on %s: whoever asks about itself', (port) => {
  test('is told its models, what is left of each limit and budget, and when its key ends', async () => {
    await start(port, {
      limits: (ids) => [dayLimit(ids, ids.teamId, 100_000), dayLimit(ids, ids.appId, 50_000, 'gpt-4o')],
      budgets: ({ teamId, appId }) => [
        budget(teamId, teamId),
        budget(teamId, appId, { name: 'Soft', steps: [] }),
      ],
    })
    const [record] = recordsNamed(gateway.keys, 'two models')
    const expiresAtMs = Date.UTC(2030, 0, 1)
    await gateway.putKeys([{ ...record, expiresAtMs, requestsPerMinute: 400 }])
    const { twoModels } = gateway.keys
    await vi.waitFor(async () => expect(bodyOf(await get('/me', twoModels)).key.expires_at).not.toBeNull())
    const served = await call('gpt-4o', { max_tokens: 10 }, twoModels)
    const { usage } = bodyOf(served)
    await vi.waitFor(async () => {
      const me = bodyOf(await get('/me', twoModels))
      expect(me).toMatchObject({
        ...{ object: 'headgate.me', live: true, models: ['gpt-4o', 'gpt-4o-mini'] },
        key: { id: record.id, name: 'two models', expires_at: '2030-01-01T00:00:00.000Z', rotation: null },
        team: { id: record.teamId, name: 'Tests' },
        app: { id: record.appId, name: 'Wide' },
        user_id: null,
      })
      const left = me.limits.map((it: Told) => [it.scope.kind, it.measure, it.model, it.limit, it.remaining])
      expect(left).toEqual([
        ['key', 'requests_per_minute', null, 400, 100],
        ['app', 'tokens_per_day', 'gpt-4o', 50_000, 50_000 - usage.total_tokens],
        ['team', 'tokens_per_day', null, 100_000, 100_000 - usage.total_tokens],
      ])
      const used = Number(served.headers['x-headgate-cost'])
      expect(me.budgets).toMatchObject([
        { name: 'Soft', scope: { kind: 'app' }, used_nanos: Math.round(used * 1e9), state: 'ok' },
        { name: 'Month', amount: '0.010000000', amount_nanos: CENT, used: served.headers['x-headgate-cost'] },
      ])
      expect(Date.parse(me.budgets[0].period.to)).toBeGreaterThan(Date.now())
    })
  })

  test('takes nothing by asking, and is told nothing of other owners', async () => {
    await start(port, {
      limits: (ids) => [dayLimit(ids, ids.teamId, 1_000), dayLimit(ids, ids.narrowAppId, 7)],
      budgets: ({ teamId, narrowAppId }) => [budget(teamId, narrowAppId, { name: 'Theirs' })],
    })
    const first = bodyOf(await get('/me'))
    const asked = gateway.records().length
    for (let i = 0; i < 5; i++) await get('/me')
    const last = bodyOf(await get('/me'))
    expect({ ...last, as_of: '' }).toEqual({ ...first, as_of: '' })
    expect(last.limits).toMatchObject([{ scope: { kind: 'team' }, remaining: 1_000 }])
    expect(last.budgets).toEqual([])
    expect(gateway.fake.record()).toEqual([])
    const records = (await gateway.recordsWhen(asked + 6)).slice(asked)
    expect(records.map((it) => [it.endpoint, it.costState])).toEqual(Array(6).fill(['headgate.me', 'none']))
  })

  test('is told what a call cost, exactly, by the attempt that served and the one that failed', async () => {
    await start(port)
    const served = await call('failover-500', { max_tokens: 10 })
    const reply = await get(`/requests/${idOf(served)}`)
    expect([reply.status, reply.headers['cache-control']]).toEqual([200, 'no-store'])
    const told = bodyOf(reply)
    const { usage } = bodyOf(served)
    expect(told).toMatchObject({
      ...{ object: 'headgate.request', id: idOf(served), state: 'final', endpoint: 'chat.completions' },
      ...{ model: 'failover-500', stream: false, status: 200, outcome: 'succeeded', error_code: null },
      usage: {
        input_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
        source: 'reported',
      },
      cost: { state: 'priced', amount: served.headers['x-headgate-cost'], currency: 'USD' },
      attempts: [
        { attempt: 1, outcome: 'failed', cost: { state: 'none', nanos: null, amount: null } },
        { attempt: 2, outcome: 'succeeded', status: 200 },
      ],
    })
    expect(told.cost.nanos).toBe(Math.round(Number(told.cost.amount) * 1e9))
    expect(told.latency.total_ms).toBeGreaterThanOrEqual(0)
  })

  test('is told that a cost is unknown, and never that it is zero', async () => {
    await start(port, { models: ['usage-500-50'] })
    const served = await call('usage-500-50')
    expect(bodyOf(await get(`/requests/${idOf(served)}`)).cost).toEqual({
      ...{ state: 'unknown', nanos: null, amount: null, currency: null },
    })
  })

  test('hears of a stream under way as pending, and of the same stream as final when it has ended', async () => {
    await start(port, { models: ['stall-mid-stream-3-2s'] })
    const message = await open(gateway.origin, {
      headers: { authorization: `Bearer ${gateway.keys.normal}` },
      body: chatBody('stall-mid-stream-3-2s', { stream: true }),
    })
    const id = String(message.headers['x-request-id'])
    await vi.waitFor(async () => {
      const pending = bodyOf(await get(`/requests/${id}`))
      expect(pending).toMatchObject({ state: 'pending', stream: true, status: null, outcome: null })
      expect(pending.usage).toMatchObject({ output_tokens: 3, source: 'estimated' })
    }, 3_000)
    message.resume()
    await new Promise((done) => message.on('end', done))
    await vi.waitFor(async () =>
      expect(bodyOf(await get(`/requests/${id}`))).toMatchObject({ state: 'final', outcome: 'succeeded' }),
    )
  })

  test('finds the call of another key just as little as one that never was', async () => {
    await start(port)
    answerFrom(() => gateway.records())
    const theirs = idOf(await call('gpt-4o', { max_tokens: 10 }, gateway.keys.limited))
    expect((await get(`/requests/${theirs}`, gateway.keys.limited)).status).toBe(200)
    const replies: RawReply[] = []
    for (const id of [theirs, newId('req', Date.now()), 'req_1']) replies.push(await get(`/requests/${id}`))
    const plain = replies.map((it) => {
      const { 'x-request-id': _, date: __, ...headers } = it.headers
      return { status: it.status, headers, error: { ...errorOf(it), headgate: null } }
    })
    expect(plain[0]).toMatchObject({
      status: 404,
      error: { code: 'call_not_found', type: 'invalid_request_error' },
    })
    expect(plain[1]).toEqual(plain[0])
    expect(plain[2]).toEqual(plain[0])
  })

  test('is told to come back when nobody answers in time, and calls are served all the while', async () => {
    await start(port)
    const asking = get(`/requests/${newId('req', Date.now())}`)
    expect((await call('gpt-4o')).status).toBe(200)
    const reply = await asking
    expect([reply.status, errorOf(reply).code]).toEqual([503, 'records_unavailable'])
    expect(reply.headers).toMatchObject({ 'retry-after': '2', 'x-should-retry': 'true' })
  })
})

test('a key that asks again and again is held to a pace of its own', async () => {
  await start('memory')
  const statuses: number[] = []
  for (let i = 0; i < 20; i++) statuses.push((await get('/me')).status)
  expect(statuses.slice(0, 15)).toEqual(Array(15).fill(200))
  const refused = await get('/me')
  expect(refused.status).toBe(429)
  expect(errorOf(refused)).toMatchObject({
    code: 'limit_requests',
    headgate: { limit: 60, scope: { kind: 'key' } },
  })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await get('/me', gateway.keys.limited)).status).toBe(200)
  expect((await call('gpt-4o')).status).toBe(200)
})

test('what only the ledger knows is null while it is away, and the rest is told', async () => {
  const away = { look: () => new Promise<never>(() => {}) }
  await start('memory', {
    limits: (ids) => [dayLimit(ids, ids.teamId, 1_000)],
    budgets: ({ teamId }) => [budget(teamId, teamId)],
    spoil: ({ ledger }) => ({ ledger: { ...ledger, ...away } }),
  })
  const reply = await get('/me')
  expect(reply.status).toBe(200)
  expect(bodyOf(reply)).toMatchObject({
    live: false,
    limits: [{ limit: 1_000, remaining: null, resets_in_ms: null }],
    budgets: [{ used_nanos: null, used: null, state: 'unknown', amount_nanos: CENT }],
  })
})

test('revoked, expired and unknown keys learn nothing', async () => {
  await start('memory')
  for (const name of ['revoked', 'expired', 'disabled', 'unknown'] as const)
    expect((await get('/me', gateway.keys[name])).status).toBe(401)
})
