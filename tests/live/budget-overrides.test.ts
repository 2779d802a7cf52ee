/** An override of a budget, from the admin API to a caller of a gateway and back: given, told of, ended by itself. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../admin/harness.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { type LiveWorld, liveWorld } from './world.ts'

const CENT = 10_000_000
/** Long enough for every gateway to hear of it on a busy machine. */
const LASTS_MS = 8_000
const PATIENCE_MS = 25_000
let it: LiveWorld
beforeAll(async () => {
  it = await liveWorld({ keepsBooks: true })
  await it.client.prices.create({
    body: {
      ...{ model: 'gpt-4o', currency: 'USD', effectiveFrom: '2020-01-01T00:00:00Z' },
      lines: [
        { kind: 'input', nanos: 2_500_000_000 },
        { kind: 'output', nanos: 10_000_000_000 },
      ],
    },
  })
})
afterAll(() => it[Symbol.asyncDispose]())

const served = async () => {
  const { version } = await it.client.catalog.read()
  for (const gateway of it.gateways)
    await until(async () => (await it.versionOf(gateway)) >= version, `version ${version} to be served`)
}

async function caller(ofKey: boolean) {
  const app = await it.client.apps.create({ body: { teamId: it.teamId, name: `raised ${ofKey}` } })
  const key = await it.client.keys.create({ body: { appId: app.id, name: 'raised' } })
  const budget = await it.client.budgets.create({
    body: {
      ...{ ownerId: ofKey ? key.id : app.id, name: 'Month', currency: 'USD', amountNanos: 1 },
      ...{ period: { kind: 'month' }, steps: [{ action: 'block', atPercent: 100 }] },
    },
  })
  await served()
  return { app, key, budget }
}

const ask = (secret: string, nth = 0) =>
  send(it.gateways[nth]!.origin, {
    headers: { authorization: `Bearer ${secret}` },
    body: chatBody('steady', { max_tokens: 10 }),
  })
const codeOf = ({ body }: Awaited<ReturnType<typeof ask>>) => JSON.parse(body.toString()).error?.code
const refusedBy = (secret: string, nth = 0) =>
  until(
    async () => codeOf(await ask(secret, nth)) === 'budget_exhausted',
    'the budget to refuse',
    PATIENCE_MS,
  )
const passes = (secret: string, nth = 0) =>
  until(async () => (await ask(secret, nth)).status === 200, 'calls to pass', PATIENCE_MS)

test.each([false, true])(
  'an override reaches every gateway, is told of live and by simulations, and ends by itself (of a key: %s)',
  async (ofKey) => {
    const { app, key, budget } = await caller(ofKey)
    await refusedBy(key.secret)
    const effectiveTo = new Date(Date.now() + LASTS_MS).toISOString()
    const override = await it.client.budgetOverrides.create({
      body: { budgetId: budget.id, amountNanos: 100 * CENT, reason: 'The launch', effectiveTo },
    })
    for (const nth of [0, 1]) await passes(key.secret, nth)
    const { version } = await it.client.catalog.read()
    const [live] = (await it.client.budgets.live({ query: { budgetId: budget.id } })).data
    const { data } = await it.client.simulations.run({
      body: {
        cases: [{ ...(ofKey ? { keyId: key.id } : { appId: app.id }), model: 'steady', inputTokens: 9 }],
      },
    })
    if (Date.now() < Date.parse(effectiveTo)) {
      expect(live).toMatchObject({
        ...{ amountNanos: 100 * CENT + 1, overrideNanos: 100 * CENT, overrideChangesAt: effectiveTo },
        state: 'ok',
      })
      expect(data[0]).toMatchObject({
        verdict: { admitted: true },
        budgets: [{ id: budget.id, amountNanos: 100 * CENT + 1, overrideNanos: 100 * CENT }],
      })
    }
    for (const nth of [0, 1]) await refusedBy(key.secret, nth)
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(effectiveTo))
    expect((await it.client.catalog.read()).version).toBe(version)
    expect((await it.client.budgets.live({ query: { budgetId: budget.id } })).data[0]).toMatchObject({
      ...{ amountNanos: 1, overrideNanos: 0, overrideChangesAt: null, state: 'exhausted' },
    })
    expect(await it.client.budgets.read({ params: { budgetId: budget.id } })).toEqual(budget)
    const listed = await it.client.budgetOverrides.list({ query: { budgetId: budget.id, state: 'ended' } })
    expect(listed.data).toEqual([override])
  },
)

test('a refusal is explained with what was added then, and says that its budget was raised since', async () => {
  const app = await it.client.apps.create({ body: { teamId: it.teamId, name: 'explained' } })
  const key = await it.client.keys.create({ body: { appId: app.id, name: 'explained' } })
  const budget = await it.client.budgets.create({
    body: {
      ...{ ownerId: app.id, name: 'Day', currency: 'USD', amountNanos: 1, period: { kind: 'day' } },
      steps: [{ action: 'block', atPercent: 100 }],
    },
  })
  const give = (amountNanos: number) =>
    it.client.budgetOverrides.create({ body: { budgetId: budget.id, amountNanos, reason: 'More' } })
  await give(2)
  await served()
  await refusedBy(key.secret)
  const refused = await ask(key.secret)
  const requestId = refused.headers['x-request-id'] ?? ''
  const decision = () => it.client.requests.decision({ params: { requestId } }).catch(() => undefined)
  await until(async () => (await decision()) !== undefined, 'the record')
  const why = await decision()
  expect(why?.decision).toMatchObject({ thingId: budget.id, limit: 3 })
  expect(why?.message).toContain('An override adds 0.01 USD to its amount until ')
  expect(why?.refusedBy).toMatchObject({ kind: 'budget', id: budget.id, state: 'unchanged' })
  await give(100 * CENT)
  await passes(key.secret)
  expect((await decision())?.refusedBy).toMatchObject({ kind: 'budget', id: budget.id, state: 'changed' })
})
