/** What an override of a budget does to calls, over real HTTP, on memory and on real Redis: while it lasts, and no longer. */
import { eventually } from '@headgate/adapters/contracts/samples'
import type { BudgetRule } from '@headgate/domain/budget'
import { idSource } from '@headgate/domain/id'
import { afterEach, describe, expect, test } from 'vitest'
import { budget, budgetWorld, CENT, errorOf, type Ids, openedOf, ports, stateOf } from './budget-world.ts'
import { send } from './raw-client.ts'

const newId = idSource()
const world = budgetWorld()
const { ask, spentOf, start } = world
afterEach(() => world.stop())

const spender = 'usage-4000-0'
const served = { models: [spender], priced: [spender] }

function override(amountNanos: number, fromMs: number, toMs: number): BudgetRule['overrides'][number] {
  return {
    ...{ id: newId('bov', Date.now()), amountNanos },
    ...{ effectiveFrom: new Date(fromMs).toISOString(), effectiveTo: new Date(toMs).toISOString() },
  }
}

/** A cent a month of the team, which blocks, with these overrides. */
function raised(overrides: BudgetRule['overrides'], changes: Partial<BudgetRule> = {}) {
  const rules: BudgetRule[] = []
  const budgets = ({ teamId }: Ids) => {
    if (rules.length === 0) rules.push(budget(teamId, teamId, { overrides, ...changes }))
    return rules
  }
  return { rules, budgets }
}

const me = async () => {
  const headers = { authorization: `Bearer ${world.gateway.keys.normal}` }
  const reply = await send(world.gateway.origin, { method: 'GET', path: '/v1/headgate/me', headers })
  return JSON.parse(reply.body.toString()).budgets[0]
}

describe.each(ports)('on %s: an override of a budget', (port) => {
  test('lets calls pass beyond the amount of the budget, up to both together, and callers read what is added', async () => {
    const until = Date.now() + 3_600_000
    const { rules, budgets } = raised([override(CENT, Date.now() - 1_000, until)])
    await start(port, { budgets, ...served })
    for (const state of ['ok', 'warning']) {
      expect([(await ask(spender, { max_tokens: 1 })).status, state]).toEqual([200, state])
      await eventually(async () => (await spentOf(rules[0] as BudgetRule)) % CENT === 0)
    }
    await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === 2 * CENT)
    const refused = await ask(spender, { max_tokens: 1 })
    expect([refused.status, stateOf(refused)]).toEqual([429, 'exhausted'])
    const error = errorOf(refused)
    expect(error.headgate).toMatchObject({ limit: 2 * CENT, used: 2 * CENT })
    expect(error.message).toContain(
      `An override adds 0.01 USD to its amount until ${new Date(until).toISOString()}.`,
    )
    expect(await me()).toMatchObject({
      ...{ amount: '0.020000000', amount_nanos: 2 * CENT, used_nanos: 2 * CENT, state: 'exhausted' },
      override: { amount: '0.010000000', amount_nanos: CENT, until: new Date(until).toISOString() },
    })
  })

  test('ends by itself, without another catalog: what passed the budget’s own amount is refused from then on', async () => {
    const untilMs = Date.now() + 2_500
    const { rules, budgets } = raised([override(1_000_000 * CENT, Date.now() - 1_000, untilMs)])
    await start(port, { budgets, ...served })
    expect((await ask(spender, { max_tokens: 1 })).status).toBe(200)
    await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === CENT)
    const before = await ask('gpt-4o')
    // A machine that was too slow for this saw the end of it, and shows only what follows.
    if (Date.now() < untilMs) expect([before.status, stateOf(before)]).toEqual([200, 'ok'])
    await eventually(async () => (await ask('gpt-4o')).status === 429)
    expect(Date.now()).toBeGreaterThanOrEqual(untilMs)
    const refused = await ask('gpt-4o')
    expect(errorOf(refused)).toMatchObject({ code: 'budget_exhausted', headgate: { limit: CENT } })
    expect(errorOf(refused).message).not.toContain('override')
    expect(await me()).toMatchObject({ amount_nanos: CENT, override: null, state: 'exhausted' })
  })

  test('that is still to come adds nothing, and begins by itself', async () => {
    const fromMs = Date.now() + 2_500
    const { budgets } = raised([override(1_000_000 * CENT, fromMs, fromMs + 3_600_000)], { amountNanos: 1 })
    await start(port, { budgets, ...served })
    const refused = await ask('gpt-4o')
    if (Date.now() < fromMs) expect([refused.status, errorOf(refused).headgate.limit]).toEqual([429, 1])
    await eventually(async () => (await ask('gpt-4o')).status === 200)
    expect(Date.now()).toBeGreaterThanOrEqual(fromMs)
  })

  test('moves every step with it: a part is a part of what is in force', async () => {
    const steps: BudgetRule['steps'] = [
      { action: 'downshift', atPercent: 80, model: 'gpt-4o-mini', insteadOf: ['gpt-4o'] },
    ]
    const { rules, budgets } = raised([override(9 * CENT, Date.now() - 1_000, Date.now() + 3_600_000)], {
      steps,
    })
    await start(port, { budgets, ...served })
    expect((await ask(spender, { max_tokens: 1 })).status).toBe(200)
    await eventually(async () => (await spentOf(rules[0] as BudgetRule)) === CENT)
    expect((await ask('gpt-4o')).headers['x-headgate-model']).toBe('gpt-4o')
    await world.gateway.ledger.restore(world.gateway.teamId, [
      { pool: openedOf(rules[0] as BudgetRule).claim, amount: 8 * CENT },
    ])
    await eventually(async () => stateOf(await ask('gpt-4o')) === 'downshifted')
  })

  test('given while a budget is spent opens it with the next catalog, and taken back closes it again', async () => {
    const { rules, budgets } = raised([], { amountNanos: 1 })
    await start(port, { budgets, ...served })
    expect((await ask('gpt-4o')).status).toBe(429)
    const with_ = (overrides: BudgetRule['overrides']) =>
      world.gateway.publish((document) => ({
        ...document,
        budgets: document.budgets.map((it) => ({ ...it, overrides })),
      }))
    await with_([override(CENT, Date.now() - 1_000, Date.now() + 3_600_000)])
    await eventually(async () => (await ask('gpt-4o')).status === 200)
    expect(await spentOf(rules[0] as BudgetRule)).toBeGreaterThan(0)
    await with_([])
    await eventually(async () => (await ask('gpt-4o')).status === 429)
  })
})
