/** What budgets do before they block: they count, warn, slow down, have another model serve; and when a month ends. */
import { eventually } from '@headgate/adapters/contracts/samples'
import type { BudgetRule } from '@headgate/domain/budget'
import { afterEach, describe, expect, test } from 'vitest'
import { budget, budgetWorld, CENT, errorOf, type Ids, ofTeam, ports, stateOf } from './budget-world.ts'
import { chatBody, send } from './raw-client.ts'

const century = { kind: 'span', from: '2000-01-01', to: '2099-12-31' } as const
const world = budgetWorld()
const { ask, spentOf, start } = world
afterEach(() => world.stop())

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
    const records = await world.gateway.recordsWhen(2)
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
    await eventually(async () => world.gateway.records().length === 1)
    await new Promise((done) => setTimeout(done, 30))
  }

  test('downshift: another model serves from its part on, and the caller is told', async () => {
    await start(
      port,
      steps([{ action: 'downshift', atPercent: 80, model: 'gpt-4o-mini', insteadOf: ['gpt-4o'] }]),
    )
    expect((await ask('gpt-4o')).headers['x-headgate-model']).toBe('gpt-4o')
    expect((await ask(spender, { max_tokens: 1 })).status).toBe(200)
    await world.gateway.recordsWhen(2)
    await new Promise((done) => setTimeout(done, 30))
    // Nobody has told this gateway yet; it learns of it from the verdict on this call.
    const downshifted = await ask('gpt-4o')
    expect(downshifted.headers).toMatchObject({
      ...{ 'x-headgate-model': 'gpt-4o-mini', 'x-headgate-downshifted-from': 'gpt-4o' },
      'x-headgate-budget-state': 'downshifted',
    })
    expect(world.gateway.fake.record().at(-1)?.model).toBe('gpt-4o-mini')
    expect((await world.gateway.recordsWhen(3)).at(-1)).toMatchObject({
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
    const refused = await send(world.gateway.origin, {
      headers: { authorization: `Bearer ${world.gateway.keys.twoModels}` },
      body: chatBody('gpt-4o'),
    })
    expect([refused.status, errorOf(refused).code]).toEqual([403, 'model_not_allowed'])
    expect(world.gateway.fake.record().map((it) => it.model)).toEqual([spender])
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
    await world.gateway.recordsWhen(1)
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
    const [record] = await world.gateway.recordsWhen(1)
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
  const [record] = await world.gateway.recordsWhen(1)
  expect(record?.costNanos).toBeGreaterThan(0)
  await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === record?.costNanos)
})

test('calls that no budget counts carry no word of any', async () => {
  await start('memory', { budgets: ({ teamId, narrowAppId }) => [budget(teamId, narrowAppId)] })
  expect(stateOf(await ask('gpt-4o'))).toBeUndefined()
})
