/** A tree of limits as callers meet it: shares of a real quota, over real HTTP, on memory and on real Redis. */
import { idSource } from '@headgate/domain/id'
import type { LimitRule } from '@headgate/domain/limit'
import { afterEach, describe, expect, test } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import type { DemoCatalogOptions } from './demo-catalog.ts'
import { type GatewayOptions, startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

const newId = idSource()
let gateway: TestGateway
afterEach(() => gateway.stop())

type Ids = Parameters<NonNullable<DemoCatalogOptions['limits']>>[0]

function rule(ids: Ids, ownerId: string, changes: Partial<LimitRule>): LimitRule {
  return {
    ...{
      id: newId('lim', Date.now()),
      teamId: ids.teamId,
      ownerId,
      parentId: null,
      quotaId: null,
      model: null,
    },
    ...{
      measure: 'tokens_per_minute',
      amount: null,
      share: null,
      guarantee: null,
      borrows: false,
      onOutage: 'local',
    },
    ...changes,
  }
}

const ports = ['memory', 'Redis'] as const
async function start(port: (typeof ports)[number], options: GatewayOptions): Promise<void> {
  gateway = await startGateway({ ...options, ...(port === 'Redis' && { redisUrl: await freshRedisUrl() }) })
}

const ask = (model: string, more: object = {}) =>
  send(gateway.origin, {
    headers: { authorization: `Bearer ${gateway.keys.normal}` },
    body: chatBody(model, more),
  })

const errorOf = (reply: { body: Buffer }) => JSON.parse(reply.body.toString()).error

describe.each(ports)('on %s: a share of a quota', (port) => {
  test('is refused in the name of the level that is exhausted, with its figures and its owner', async () => {
    const limits = (ids: Ids) => {
      const team = rule(ids, ids.teamId, { parentId: ids.quotaId, quotaId: ids.quotaId, share: 0.5 })
      return [team, rule(ids, ids.appId, { parentId: team.id, quotaId: ids.quotaId, share: 0.6 })]
    }
    await start(port, { quotaTokens: [10_000, 1000], limits })
    const refused = await ask('gpt-4o', { max_tokens: 4000 })
    expect(refused.status).toBe(429)
    expect(refused.headers['x-should-retry']).toBe('false')
    expect(errorOf(refused)).toMatchObject({
      code: 'limit_tokens',
      headgate: { scope: { kind: 'app', name: 'Wide' }, owner: 'Tests', limit: 3000, unit: 'tokens/min' },
    })
    expect(gateway.fake.record()).toHaveLength(0)
    const served = await ask('gpt-4o', { max_tokens: 100 })
    expect(served.status).toBe(200)
    expect(served.headers).toMatchObject({
      'x-ratelimit-limit-tokens': '3000',
      'x-headgate-limit-scope': 'app',
    })
  })

  test('does not hold a call that draws on another quota or on none', async () => {
    const limits = (ids: Ids) => [
      rule(ids, ids.teamId, { parentId: ids.quotaId, quotaId: ids.quotaId, amount: 0 }),
    ]
    await start(port, { quotaTokens: [10_000, 1000], limits })
    expect((await ask('gpt-4o')).status).toBe(429)
    expect((await ask('gpt-4o-mini')).status).toBe(200)
    expect((await ask('v1.gpt-4o', { max_tokens: 10 })).status).toBe(200)
  })
})

describe.each(ports)('on %s: a quota', (port) => {
  test('that is used up sends the call to the next deployment that draws on another', async () => {
    const routes = { spill: [['usage-500-50'], ['v1.usage-500-50']] }
    await start(port, { quotaTokens: [600, 600], routes, models: ['usage-500-50'] })
    const replies: Awaited<ReturnType<typeof ask>>[] = []
    for (let i = 0; i < 3; i++) replies.push(await ask('spill', { max_tokens: 500 }))
    expect(replies.map((it) => it.status)).toEqual([200, 200, 429])
    expect(replies.map((it) => it.headers['x-headgate-deployment'])).toEqual([
      ...['usage-500-50', 'v1.usage-500-50', undefined],
    ])
    expect(errorOf(replies[2] as (typeof replies)[0]).headgate.scope).toEqual({
      ...{ kind: 'resource', name: 'fake-openai/first' },
    })
    expect(gateway.fake.record()).toHaveLength(2)
  })

  test('never lends its numbers to the headers: they would tell what others use', async () => {
    await start(port, { quotaTokens: [10_000, 1000] })
    const reply = await ask('gpt-4o')
    expect(reply.status).toBe(200)
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('x-ratelimit'))).toEqual([])
  })

  test('whose provider refused comes back whole, and the one that served is charged the truth', async () => {
    const routes = { over: [['fail-503'], ['v1.gpt-4o']] }
    await start(port, { quotaTokens: [1000, 1000], routes })
    expect((await ask('over', { max_tokens: 900 })).status).toBe(200)
    await new Promise((done) => setTimeout(done, 50))
    expect((await ask('gpt-4o', { max_tokens: 900 })).status).toBe(200)
    expect((await ask('v1.gpt-4o', { max_tokens: 900 })).status).toBe(200)
  })

  test('of a deployment that would be tried next must have room as well', async () => {
    const routes = { over: [['fail-503'], ['v1.gpt-4o']] }
    await start(port, { quotaTokens: [1000, 100], routes })
    const reply = await ask('over', { max_tokens: 500 })
    expect(reply.status).toBe(503)
    expect(errorOf(reply).code).toBe('upstream_capacity')
    expect(gateway.fake.record().map((it) => it.model)).toEqual(['fail-503'])
  })
})

describe.each(ports)('on %s: of three quotas', (port) => {
  test('the third is charged for what it serves, also when the first was full and the second failed', async () => {
    const routes = { over: [['gpt-4o'], ['v1.fail-503'], ['dated.usage-500-50']] }
    await start(port, { quotaTokens: [100, 1000, 1000], routes, models: ['usage-500-50'] })
    expect((await ask('over', { max_tokens: 600 })).status).toBe(200)
    await new Promise((done) => setTimeout(done, 50))
    expect((await ask('dated.usage-500-50', { max_tokens: 600 })).status).toBe(429)
    expect((await ask('v1.usage-500-50', { max_tokens: 600 })).status).toBe(200)
  })
})

describe.each(ports)('on %s: calls at once', (port) => {
  test('are counted while they run, streams to their last byte, and free again after it', async () => {
    const limits = (ids: Ids) => [rule(ids, ids.appId, { measure: 'concurrent_calls', amount: 2 })]
    await start(port, { limits, models: ['stall-600ms'] })
    const running = [ask('stall-600ms'), ask('stall-600ms', { stream: true })]
    await new Promise((done) => setTimeout(done, 150))
    const refused = await ask('gpt-4o')
    expect(refused.status).toBe(429)
    expect(errorOf(refused)).toMatchObject({
      code: 'limit_concurrency',
      headgate: { scope: { kind: 'app', name: 'Wide' }, limit: 2, used: 2, unit: 'calls at once' },
    })
    expect(refused.headers['x-should-retry']).toBe('true')
    await Promise.all(running)
    await new Promise((done) => setTimeout(done, 50))
    expect((await ask('gpt-4o')).status).toBe(200)
  })
})

test('a limit of a day is refused for longer than a minute, so clients are told not to wait', async () => {
  const limits = (ids: Ids) => [rule(ids, ids.teamId, { measure: 'tokens_per_day', amount: 1000 })]
  await start('memory', { limits, models: ['usage-900-50'] })
  expect((await ask('usage-900-50', { max_tokens: 100 })).status).toBe(200)
  const refused = await ask('gpt-4o', { max_tokens: 100 })
  expect(refused.status).toBe(429)
  expect(refused.headers['x-should-retry']).toBe('false')
  expect(errorOf(refused).headgate).toMatchObject({ unit: 'tokens/day', limit: 1000 })
})
