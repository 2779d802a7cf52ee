/** Budgets as callers meet them, over real HTTP, on memory and on real Redis: held in the same step as limits. */
import { type BudgetRule, BudgetRule as Rule } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import { LimitRule } from '@headgate/domain/limit'
import { openBudget } from '@headgate/domain/spend'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import type { DemoCatalogOptions } from './demo-catalog.ts'
import { recordsNamed } from './demo-keys.ts'
import { type GatewayOptions, startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

const newId = idSource()
const CENT = 10_000_000
const block = { action: 'block', atPercent: 100 } as const
const century = { kind: 'span', from: '2000-01-01', to: '2099-12-31' } as const

type Ids = Parameters<NonNullable<DemoCatalogOptions['budgets']>>[0]

function budget(teamId: string, ownerId: string, changes: Partial<BudgetRule> = {}): BudgetRule {
  return Rule.parse({
    ...{ id: newId('bud', Date.now()), teamId, ownerId, name: 'Month', currency: 'USD', amountNanos: CENT },
    ...{ period: { kind: 'month' }, timeZone: 'UTC', steps: [block], ...changes },
  })
}

let gateway: TestGateway
afterEach(() => gateway.stop())

const ports = ['memory', 'Redis'] as const
async function start(port: (typeof ports)[number], options: GatewayOptions): Promise<void> {
  gateway = await startGateway({ ...options, ...(port === 'Redis' && { redisUrl: await freshRedisUrl() }) })
}

/** The budget of one owner of the demo, alone. */
const ofTeam = (changes: Partial<BudgetRule> = {}) => ({
  budgets: ({ teamId }: Ids) => [budget(teamId, teamId, changes)],
})

const ask = (model: string, more: object = {}) =>
  send(gateway.origin, {
    headers: { authorization: `Bearer ${gateway.keys.normal}` },
    body: chatBody(model, { max_tokens: 100, ...more }),
  })
const errorOf = (reply: { body: Buffer }) => JSON.parse(reply.body.toString()).error
const stateOf = (reply: { headers: Readonly<Record<string, string>> }) =>
  reply.headers['x-headgate-budget-state']

/** What is spent and held of a budget, in its period of now. */
async function spentOf(rule: BudgetRule, atMs = Date.now()): Promise<number> {
  const open = openBudget(rule, '', atMs)
  if (open === null) throw new Error('it has no period now')
  const [state] = await gateway.ledger.look([open.claim])
  return open.claim.limit - (state?.remaining ?? 0)
}

/** What a call holds, by a budget too small for it. */
async function estimateOf(model: string, more: object): Promise<number> {
  await start('memory', { ...ofTeam({ amountNanos: 1 }), models: [model], priced: [model] })
  const refused = await ask(model, more)
  await gateway.stop()
  return errorOf(refused).headgate.requested
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400 && !(await isSo()); i++) await new Promise((done) => setTimeout(done, 10))
  expect(await isSo()).toBe(true)
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
    expect(gateway.fake.record()).toHaveLength(10)
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
    const client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: gateway.keys.normal })
    const before = gateway.records().length
    await expect(
      client.chat.completions.create({ model: 'usage-5000-700', messages: [{ role: 'user', content: 'x' }] }),
    ).rejects.toBeInstanceOf(OpenAI.RateLimitError)
    expect(await gateway.recordsWhen(before + 1)).toHaveLength(before + 1)
  })

  test('of the team leaves those of app and key, and every limit, untouched when it refuses', async () => {
    const rules: BudgetRule[] = []
    const limitId = newId('lim', Date.now())
    const limits = (ids: Ids) => [
      LimitRule.parse({
        ...{ id: limitId, teamId: ids.teamId, ownerId: ids.appId, parentId: null },
        ...{ quotaId: null, model: null, measure: 'tokens_per_day', amount: 1_000_000 },
        ...{ share: null, guarantee: null, borrows: false },
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
      bucket: `{${gateway.teamId}}:${limitId}`,
      kind: 'window',
      limit: 1,
      windowMs: 86_400_000,
    } as const
    expect(await gateway.ledger.look([day])).toMatchObject([{ remaining: 1 }])
    expect(gateway.fake.record()).toEqual([])
  })

  test('of a key travels with the key, and holds beside those of its owners', async () => {
    await start(port, ofTeam())
    const [record] = recordsNamed(gateway.keys, 'normal')
    const own = budget(record.teamId, record.id, { name: 'Own', amountNanos: 1 })
    await gateway.putKeys([{ ...record, budgets: [own] }])
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
    expect(gateway.fake.record()).toEqual([])
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
    const refused = await send(gateway.origin, {
      headers: { authorization: `Bearer ${gateway.keys.narrowApp}` },
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

describe.each(ports)('on %s: a soft budget', (port) => {
  test('counts what passes, flags what it cannot count, and refuses nobody', async () => {
    const rules: BudgetRule[] = []
    const budgets = ({ teamId }: Ids) => {
      rules.push(budget(teamId, teamId, { amountNanos: 100_000, steps: [] }))
      return rules
    }
    await start(port, { budgets, models: ['usage-500-50'] })
    const replies = [await ask('gpt-4o'), await ask('usage-500-50')]
    expect(replies.map((it) => [it.status, stateOf(it)])).toEqual([
      [200, 'ok'],
      [200, 'unpriced'],
    ])
    const records = await gateway.recordsWhen(2)
    expect(records[1]).toMatchObject({ costState: 'unknown', costNanos: null })
    await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === records[0]?.costNanos)
    expect(stateOf(await ask('gpt-4o'))).toBe('warning')
  })
})

describe.each(ports)('on %s: steps of a budget', (port) => {
  /** A cent is spent by one call; the next one is judged by it. */
  const spender = 'usage-4000-0'
  const steps = (its: BudgetRule['steps']) => ({
    ...ofTeam({ steps: its }),
    ...{ models: [spender], priced: [spender] },
  })
  const spend = async () => {
    expect((await ask(spender, { max_tokens: 1 })).status).toBe(200)
    await eventually(async () => gateway.records().length === 1)
    await new Promise((done) => setTimeout(done, 30))
  }

  test('downshift: another model serves from its part on, and the caller is told', async () => {
    await start(
      port,
      steps([{ action: 'downshift', atPercent: 80, model: 'gpt-4o-mini', insteadOf: ['gpt-4o'] }]),
    )
    expect((await ask('gpt-4o')).headers['x-headgate-model']).toBe('gpt-4o')
    expect((await ask(spender, { max_tokens: 1 })).status).toBe(200)
    await gateway.recordsWhen(2)
    await new Promise((done) => setTimeout(done, 30))
    // Nobody has told this gateway yet; it learns of it from the verdict on this call.
    const downshifted = await ask('gpt-4o')
    expect(downshifted.headers).toMatchObject({
      ...{ 'x-headgate-model': 'gpt-4o-mini', 'x-headgate-downshifted-from': 'gpt-4o' },
      'x-headgate-budget-state': 'downshifted',
    })
    expect(gateway.fake.record().at(-1)?.model).toBe('gpt-4o-mini')
    expect((await gateway.recordsWhen(3)).at(-1)).toMatchObject({
      alias: 'gpt-4o-mini',
      outcome: 'succeeded',
    })
    expect((await ask('gpt-4o-mini')).headers['x-headgate-downshifted-from']).toBeUndefined()
  })

  test('downshift: the model that serves instead is judged by policy like any other', async () => {
    await start(
      port,
      steps([{ action: 'downshift', atPercent: 1, model: 'gpt-3.5-turbo-instruct', insteadOf: null }]),
    )
    await spend()
    const refused = await send(gateway.origin, {
      headers: { authorization: `Bearer ${gateway.keys.twoModels}` },
      body: chatBody('gpt-4o'),
    })
    expect([refused.status, errorOf(refused).code]).toEqual([403, 'model_not_allowed'])
    expect(gateway.fake.record().map((it) => it.model)).toEqual([spender])
  })

  test('throttle: from its part on calls are held to a pace, all of them together', async () => {
    await start(port, steps([{ action: 'throttle', atPercent: 80, requestsPerMinute: 8 }]))
    await spend()
    const replies = [await ask('gpt-4o'), await ask('gpt-4o-mini'), await ask('gpt-4o')]
    expect(replies.map((it) => it.status)).toEqual([200, 200, 429])
    expect(replies.map(stateOf)).toEqual(['throttled', 'throttled', 'throttled'])
    const [, , refused] = replies as [unknown, unknown, (typeof replies)[number]]
    expect(errorOf(refused)).toMatchObject({
      ...{ type: 'rate_limit_error', code: 'budget_throttled' },
      headgate: { denied_by: 'gateway_budget', limit: 8, unit: 'requests/min', budget: { name: 'Month' } },
    })
    expect(refused.headers['x-should-retry']).toBe('true')
    expect(Number(refused.headers['retry-after-ms'])).toBeGreaterThan(3_000)
  })

  test('several budgets at once: the call has to pass all of them', async () => {
    await start(port, {
      budgets: ({ teamId, appId }) => [
        budget(teamId, teamId, {
          name: 'Year',
          amountNanos: 90 * CENT,
          period: century,
        }),
        budget(teamId, teamId, { name: 'Day', period: { kind: 'day' }, amountNanos: 5_000_000 }),
        budget(teamId, appId, { name: 'App', steps: [] }),
      ],
      ...{ models: ['usage-2000-0'], priced: ['usage-2000-0'] },
    })
    expect((await ask('usage-2000-0', { max_tokens: 1 })).status).toBe(200)
    await gateway.recordsWhen(1)
    await new Promise((done) => setTimeout(done, 50))
    const refused = await ask('usage-2000-0', { max_tokens: 1 })
    expect(errorOf(refused).headgate.budget).toMatchObject({ name: 'Day' })
  })
})

describe.each(ports)('on %s: the end of a month', (port) => {
  test('a call that ends in the next month is charged to the month it arrived in', async () => {
    const at = { nowMs: Date.parse('2026-11-30T23:59:59.990Z') }
    const rules: BudgetRule[] = []
    await start(port, {
      budgets: ({ teamId }) => {
        rules.push(budget(teamId, teamId))
        return rules
      },
      ...{ models: ['stall-600ms'], priced: ['stall-600ms'] },
      spoil: ({ clock }) => ({ clock: { ...clock, nowMs: () => at.nowMs } }),
    })
    const underWay = ask('stall-600ms', { max_tokens: 10 })
    await new Promise((done) => setTimeout(done, 150))
    at.nowMs = Date.parse('2026-12-01T00:00:00Z')
    expect((await underWay).status).toBe(200)
    const [record] = await gateway.recordsWhen(1)
    expect(record?.startedAt).toBe('2026-11-30T23:59:59.990Z')
    const rule = rules[0] as BudgetRule
    await eventually(async () => (await spentOf(rule, Date.parse('2026-11-30'))) === record?.costNanos)
    expect(await spentOf(rule, at.nowMs)).toBe(0)
  })
})

test('a stream is held to its estimate until its last byte, and then costs what it used', async () => {
  const rules: BudgetRule[] = []
  await start('Redis', {
    budgets: ({ teamId }) => {
      rules.push(budget(teamId, teamId, { amountNanos: 100 * CENT }))
      return rules
    },
  })
  const reply = await ask('gpt-4o', { stream: true, max_tokens: 4_000 })
  expect([reply.status, stateOf(reply)]).toEqual([200, 'ok'])
  const [record] = await gateway.recordsWhen(1)
  expect(record?.costNanos).toBeGreaterThan(0)
  await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === record?.costNanos)
})

test('calls that no budget counts carry no word of any', async () => {
  await start('memory', { budgets: ({ teamId, narrowAppId }) => [budget(teamId, narrowAppId)] })
  expect(stateOf(await ask('gpt-4o'))).toBeUndefined()
})
