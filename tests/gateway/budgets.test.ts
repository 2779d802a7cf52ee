/** Budgets that block, over real HTTP, on memory and on real Redis: held in the same step as limits. */
import { eventually } from '@headgate/adapters/contracts/samples'
import { connectRedis } from '@headgate/adapters/redis/client'
import type { BudgetRule } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import { LimitRule } from '@headgate/domain/limit'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import {
  budget,
  budgetWorld,
  CENT,
  errorOf,
  type Ids,
  ofTeam,
  openedOf,
  ports,
  stateOf,
} from './budget-world.ts'
import { recordsNamed } from './demo-keys.ts'
import { chatBody, send } from './raw-client.ts'

const newId = idSource()
const world = budgetWorld()
const { ask, spentOf, start } = world
afterEach(() => world.stop())

/** What a call holds, by a budget too small for it. */
async function estimateOf(model: string, more: object): Promise<number> {
  await start('memory', { ...ofTeam({ amountNanos: 1 }), models: [model], priced: [model] })
  const refused = await ask(model, more)
  await world.stop()
  return errorOf(refused).headgate.requested
}

describe.each(ports)('on %s: a budget that blocks', (port) => {
  test('admits exactly ten of two hundred calls at once when ten are left', async () => {
    const more = { max_tokens: 100 }
    const estimate = await estimateOf('stall-1s', more)
    const options = { models: ['stall-1s'], priced: ['stall-1s'] }
    await start(port, { ...ofTeam({ amountNanos: 11 * estimate - 1 }), ...options })
    const replies = await Promise.all(Array.from({ length: 200 }, () => ask('stall-1s', more)))
    expect(replies.filter((it) => it.status === 200)).toHaveLength(10)
    const codes = replies.filter((it) => it.status !== 200).map((it) => errorOf(it).code)
    expect(codes).toEqual(Array.from({ length: 190 }, () => 'budget_exhausted'))
    expect(world.gateway.fake.record()).toHaveLength(10)
  })

  test('refuses with whose it is, what is spent, when it begins anew, and not to retry', async () => {
    const rules: BudgetRule[] = []
    await start(port, {
      budgets: ({ teamId }) => {
        rules.push(budget(teamId, teamId, { amountNanos: 2 * CENT }))
        return rules
      },
      ...{ models: ['usage-5000-700'], priced: ['usage-5000-700'] },
    })
    const served = await ask('usage-5000-700', { max_tokens: 100 })
    expect([served.status, stateOf(served)]).toEqual([200, 'ok'])
    expect(served.headers['x-headgate-cost']).toBe('0.019500000')
    await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === 19_500_000)
    const refused = await ask('usage-5000-700', { max_tokens: 100 })
    expect(refused.status).toBe(429)
    expect(refused.headers).toMatchObject({
      'x-should-retry': 'false',
      'x-headgate-budget-state': 'exhausted',
    })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    const error = errorOf(refused)
    expect(error).toMatchObject({ type: 'insufficient_quota', code: 'budget_exhausted', param: null })
    expect(error.headgate).toMatchObject({
      ...{ denied_by: 'gateway_budget', scope: { kind: 'team', name: 'Tests' }, owner: 'Tests' },
      ...{ budget: { name: 'Month' }, limit: 20_000_000, used: 19_500_000, unit: 'nanos of USD' },
    })
    expect(error.message).toMatch(/^Budget "Month" of team "Tests" is spent: 0\.02 USD of 0\.02 USD are used/)
    expect(error.message).toMatch(/It begins anew at \d{4}-\d\d-01T00:00:00\.000Z\.$/)
    const client = new OpenAI({ baseURL: `${world.gateway.origin}/v1`, apiKey: world.gateway.keys.normal })
    const before = world.gateway.records().length
    await expect(
      client.chat.completions.create({ model: 'usage-5000-700', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    expect(await world.gateway.recordsWhen(before + 1)).toHaveLength(before + 1)
  })

  test('of the team leaves those of app and key, and every limit, untouched when it refuses', async () => {
    const rules: BudgetRule[] = []
    const limitId = newId('lim', Date.now())
    const limits = (ids: Ids) => [
      LimitRule.parse({
        ...{ id: limitId, teamId: ids.teamId, ownerId: ids.appId, parentId: null },
        ...{ quotaId: null, model: null, measure: 'tokens_per_day', amount: 1_000_000 },
        ...{ share: null, guarantee: null, borrows: false, onOutage: 'local' },
      }),
    ]
    await start(port, {
      limits,
      budgets: ({ teamId, appId }) => {
        rules.push(budget(teamId, teamId, { amountNanos: 1 }), budget(teamId, appId, { amountNanos: CENT }))
        return rules
      },
    })
    for (let i = 0; i < 5; i++) {
      const refused = await ask('gpt-4o')
      expect(errorOf(refused)).toMatchObject({
        code: 'budget_exhausted',
        headgate: { scope: { kind: 'team' } },
      })
    }
    for (const rule of rules) expect(await spentOf(rule)).toBe(0)
    const day = {
      bucket: `{${world.gateway.teamId}}:${limitId}`,
      kind: 'window',
      limit: 1,
      windowMs: 86_400_000,
    } as const
    expect(await world.gateway.ledger.look([day])).toMatchObject([{ remaining: 1 }])
    expect(world.gateway.fake.record()).toEqual([])
  })

  test('of a key travels with the key, and holds beside those of its owners', async () => {
    await start(port, ofTeam())
    const [record] = recordsNamed(world.gateway.keys, 'normal')
    const own = budget(record.teamId, record.id, { name: 'Own', amountNanos: 1 })
    await world.gateway.putKeys([{ ...record, budgets: [own] }])
    await eventually(async () => (await ask('gpt-4o')).status === 429)
    expect(errorOf(await ask('gpt-4o')).headgate).toMatchObject({
      ...{ scope: { kind: 'key', name: 'normal' }, budget: { id: own.id, name: 'Own' } },
    })
  })

  test('lets nothing pass that has no price, before anything is sent, and says what to do', async () => {
    await start(port, ofTeam())
    const refused = await ask('fail-500')
    expect(refused.status).toBe(403)
    expect(errorOf(refused)).toMatchObject({
      ...{ type: 'permission_error', code: 'price_unknown', param: 'model' },
      message: expect.stringMatching(/"fail-500" has no price in USD, so budget "Month" of team "Tests"/i),
    })
    expect(world.gateway.fake.record()).toEqual([])
  })

  test('sends a call to the next deployment when only that one has a price', async () => {
    await start(port, {
      ...ofTeam(),
      models: ['usage-500-50'],
      routes: { mixed: [['usage-500-50'], ['gpt-4o']] },
    })
    const reply = await ask('mixed')
    expect([reply.status, reply.headers['x-headgate-deployment']]).toEqual([200, 'gpt-4o'])
  })

  test('in another currency than the price refuses it as unknown', async () => {
    await start(port, ofTeam({ currency: 'EUR' }))
    expect(errorOf(await ask('gpt-4o')).code).toBe('price_unknown')
  })

  test('lets nothing pass while nobody knows what was spent, and says to come back', async () => {
    await start(port, {
      budgets: ({ teamId, narrowAppId }) => [budget(teamId, narrowAppId)],
      spoil: ({ ledger }) => ({
        // The team it forgot: what the harness has told the ledger is of another tag.
        ledger: { ...ledger, reserve: (it) => ledger.reserve({ ...it, claims: it.claims.map(forgotten) }) },
      }),
    })
    const refused = await send(world.gateway.origin, {
      headers: { authorization: `Bearer ${world.gateway.keys.narrowApp}` },
      body: chatBody('gpt-4o'),
    })
    expect(refused.status).toBe(503)
    expect(errorOf(refused)).toMatchObject({ code: 'limiter_unavailable' })
    expect(stateOf(refused)).toBe('unknown')
    expect(Number(refused.headers['retry-after'])).toBe(5)
  })
})

function forgotten<T extends { readonly bucket: string }>(claim: T): T {
  return { ...claim, bucket: claim.bucket.replace('{team_', '{lost_') }
}

test('a Redis that was flushed lets nothing pass a hard budget until it is told what was spent', async () => {
  const redisUrl = await freshRedisUrl()
  const rules: BudgetRule[] = []
  await start('Redis', {
    redisUrl,
    budgets: ({ teamId, appId }) => {
      rules.push(budget(teamId, teamId, { amountNanos: 2 * CENT }), budget(teamId, appId, { steps: [] }))
      return rules
    },
  })
  expect((await ask('gpt-4o')).status).toBe(200)
  const client = await connectRedis(redisUrl, { log: () => {} })
  await client.send('any', ['FLUSHALL'])
  await client.close()
  const closed = await ask('gpt-4o')
  expect([closed.status, errorOf(closed).code, stateOf(closed)]).toEqual([
    503,
    'limiter_unavailable',
    'unknown',
  ])
  expect(world.gateway.fake.record()).toHaveLength(1)
  await world.gateway.ledger.restore(world.gateway.teamId, [
    { pool: openedOf(rules[0] as BudgetRule).claim, amount: 2 * CENT - 1 },
  ])
  const spent = await ask('gpt-4o')
  expect([spent.status, errorOf(spent).code]).toEqual([429, 'budget_exhausted'])
  expect(errorOf(spent).headgate.used).toBe(2 * CENT - 1)
})
