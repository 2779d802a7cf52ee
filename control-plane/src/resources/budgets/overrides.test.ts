/** Overrides as admins give them: kept beside the budget, told to gateways, counted by whoever tells people, and ended. */
import type { Budget } from '@headgate/domain/budget'
import type { NewBudgetOverride } from '@headgate/domain/budget-override'
import { endOfPeriods } from '@headgate/domain/period'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'
import { startTestPlane, systemClock, type TestPlane, until } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'

const DOLLAR = 1_000_000_000
const DAY_MS = 86_400_000

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

async function budgetOf(name: string, changes: object = {}): Promise<Budget> {
  const team = await it.client.teams.create({ body: { name } })
  return it.client.budgets.create({
    body: {
      ...{ ownerId: team.id, name: 'Month', currency: 'USD', amountNanos: 100 * DOLLAR },
      ...{ period: { kind: 'month' }, ...changes },
    },
  })
}

type Sent = Omit<z.input<typeof NewBudgetOverride>, 'budgetId'>
const give = ({ id: budgetId }: Budget, sent: Partial<Sent> = {}) =>
  it.client.budgetOverrides.create({
    body: { budgetId, amountNanos: 50 * DOLLAR, reason: 'The launch', ...sent },
  })
const soon = (ms: number) => new Date(Date.now() + ms).toISOString()
const published = async (id: string) =>
  (await it.ports.catalogFeed.newerThan(0))?.budgets.find((one) => one.id === id)
const live = async ({ id: budgetId }: Pick<Budget, 'id'>) =>
  (await it.client.budgets.live({ query: { budgetId } })).data[0]

async function faultOf(refused: Promise<unknown>) {
  const fault = await refused.then(
    () => null,
    (thrown) => thrown,
  )
  return { status: fault?.status, pointer: fault?.faults?.[0]?.pointer, code: fault?.faults?.[0]?.code }
}

/** Somebody spends so much, and it has arrived. */
let count = 0
async function spend({ id: budgetId, teamId }: Budget, costNanos: number): Promise<void> {
  const recorded = async () => (await live({ id: budgetId }))?.recordedNanos ?? 0
  const before = await recorded()
  count += 1
  const startedAt = new Date(systemClock.nowMs()).toISOString()
  const owner = { teamId, appId: null, userId: null, keyId: null }
  it.ports.usageSource.append(usageRecord(20_000 + count, { ...owner, startedAt, costNanos }))
  await until(async () => (await recorded()) === before + costNanos, 'the record to be counted')
}

const told = async ({ id: budgetId }: Budget) =>
  (await it.client.budgets.events({ query: { budgetId } })).data
    .map(({ atPercent, spentNanos, amountNanos }) => [atPercent, spentNanos / DOLLAR, amountNanos / DOLLAR])
    .toReversed()

test('an override lasts to the end of the running period unless told otherwise, and leaves its budget as it is', async () => {
  const budget = await budgetOf('to the end')
  const made = await give(budget)
  expect(made).toMatchObject({
    ...{ teamId: budget.teamId, budgetId: budget.id, amountNanos: 50 * DOLLAR, reason: 'The launch' },
    effectiveTo: new Date(endOfPeriods(budget, Date.now(), 1) ?? 0).toISOString(),
  })
  expect(made.createdBy).not.toBe('')
  expect(await it.client.budgets.read({ params: { budgetId: budget.id } })).toEqual(budget)
  expect(await live(budget)).toMatchObject({
    ...{ amountNanos: 150 * DOLLAR, overrideNanos: 50 * DOLLAR, overrideChangesAt: made.effectiveTo },
  })
  const params = { overrideId: made.id }
  expect(await it.client.budgetOverrides.read({ params })).toEqual(made)
  const { data } = await it.client.auditEvents.list({ query: { subjectId: made.id } })
  expect(data).toMatchObject([{ action: 'budget-override.created' }])
})

test('an override for n periods ends with the nth, from now or from when it begins', async () => {
  const budget = await budgetOf('periods', { period: { kind: 'week' }, timeZone: 'Europe/Berlin' })
  const ends = (atMs: number, n: number) => new Date(endOfPeriods(budget, atMs, n) ?? 0).toISOString()
  expect((await give(budget, { periods: 3 })).effectiveTo).toBe(ends(Date.now(), 3))
  const effectiveFrom = soon(30 * DAY_MS)
  const later = await give(budget, { periods: 2, effectiveFrom })
  expect(later).toMatchObject({ effectiveFrom, effectiveTo: ends(Date.parse(effectiveFrom), 2) })
})

test('gateways are told of what has not ended, with the budget; a key carries what is added to its own', async () => {
  const budget = await budgetOf('told')
  const { teamId } = budget
  const app = await it.client.apps.create({ body: { teamId, name: 'told' } })
  const key = await it.client.keys.create({ body: { appId: app.id, name: 'told' } })
  const ofKey = await it.client.budgets.create({
    body: { ...{ ownerId: key.id, name: 'Own', currency: 'USD', amountNanos: 1 }, period: { kind: 'day' } },
  })
  const [made, own] = [await give(budget), await give(ofKey)]
  const said = ({ id, amountNanos, effectiveFrom, effectiveTo }: typeof made) => ({
    ...{ id, amountNanos, effectiveFrom, effectiveTo },
  })
  expect((await published(budget.id))?.overrides).toEqual([said(made)])
  const carried = async () => (await it.ports.keyPublisher.find(it.ports.digestKey(key.secret)))?.budgets
  expect((await carried())?.[0]).toMatchObject({ id: ofKey.id, overrides: [said(own)] })
  await it.client.budgetOverrides.remove({ params: { overrideId: own.id } })
  expect((await carried())?.[0]?.overrides).toEqual([])
  await it.client.budgetOverrides.remove({ params: { overrideId: made.id } })
  expect((await published(budget.id))?.overrides).toEqual([])
})

test('people are told of parts of what is in force, and of a part that was told before not again', async () => {
  const budget = await budgetOf('events', { steps: [{ action: 'alert', atPercent: 90 }] })
  await spend(budget, 85 * DOLLAR)
  expect(await told(budget)).toEqual([[80, 85, 100]])
  const made = await give(budget, { amountNanos: 100 * DOLLAR })
  await spend(budget, 60 * DOLLAR)
  // 145 of 200: beyond the budget's own amount, and below each part of what is in force that was not told.
  expect(await told(budget)).toEqual([[80, 85, 100]])
  expect(await live(budget)).toMatchObject({ recordedNanos: 145 * DOLLAR, amountNanos: 200 * DOLLAR })
  await spend(budget, 40 * DOLLAR)
  // 80 percent of 200 were passed at 160. That part was told in this period: it stays at one event.
  expect(await told(budget)).toEqual([
    [80, 85, 100],
    [90, 185, 200],
  ])
  await it.client.budgetOverrides.remove({ params: { overrideId: made.id } })
  const all = [
    [80, 85, 100],
    [90, 185, 200],
    [100, 185, 100],
  ]
  expect(await told(budget)).toEqual(all)
  await spend(budget, 20 * DOLLAR)
  expect(await told(budget)).toEqual(all)
})

test('one that adds can be made larger, shorter or longer until it has ended, and what was spent is judged anew', async () => {
  const budget = await budgetOf('changed')
  const made = await give(budget, { amountNanos: 900 * DOLLAR })
  const params = { overrideId: made.id }
  await spend(budget, 90 * DOLLAR)
  expect(await told(budget)).toEqual([])
  const changed = await it.client.budgetOverrides.change({
    params,
    body: { amountNanos: 10 * DOLLAR, reason: 'Less than we thought' },
  })
  expect(changed).toEqual({ ...made, amountNanos: 10 * DOLLAR, reason: 'Less than we thought' })
  expect(await told(budget)).toEqual([[80, 90, 110]])
  const effectiveTo = soon(90 * DAY_MS)
  expect(await it.client.budgetOverrides.change({ params, body: { effectiveTo } })).toMatchObject({
    effectiveTo,
  })
  expect((await published(budget.id))?.overrides).toMatchObject([{ effectiveTo, amountNanos: 10 * DOLLAR }])
  const ended = await it.client.budgetOverrides.remove({ params })
  expect(Date.parse(ended.effectiveTo)).toBeLessThanOrEqual(Date.now())
  expect(await it.client.budgetOverrides.remove({ params })).toEqual(ended)
  expect(await faultOf(it.client.budgetOverrides.change({ params, body: { reason: 'again' } }))).toEqual({
    ...{ status: 409, pointer: '', code: 'ended' },
  })
})

test('one to come is removed for good, one that adds ends now and is kept, and lists tell them apart', async () => {
  const budget = await budgetOf('lists')
  const [now, coming, gone] = [
    await give(budget),
    await give(budget, { effectiveFrom: soon(DAY_MS), effectiveTo: soon(2 * DAY_MS) }),
    await give(budget, { effectiveFrom: soon(DAY_MS), effectiveTo: soon(2 * DAY_MS) }),
  ]
  await it.client.budgetOverrides.remove({ params: { overrideId: gone.id } })
  const list = async (state?: 'coming' | 'in_force' | 'ended') => {
    const query = { budgetId: budget.id, sort: 'created_at' as const, ...(state && { state }) }
    return (await it.client.budgetOverrides.list({ query })).data.map((one) => one.id)
  }
  expect([await list(), await list('in_force'), await list('coming'), await list('ended')]).toEqual([
    ...[[now.id, coming.id], [now.id], [coming.id], []],
  ])
  await it.client.budgetOverrides.remove({ params: { overrideId: now.id } })
  expect([await list('in_force'), await list('ended')]).toEqual([[], [now.id]])
  const archived = await it.client.archivedThings.read({ params: { thingId: gone.id } })
  expect(archived).toMatchObject({ kind: 'budget-override' })
})

test('what is wrong with an override is named, and a budget that was ended gets none', async () => {
  const budget = await budgetOf('faults', { period: { kind: 'span', from: '2020-01-01', to: '2099-12-31' } })
  const past = '2020-01-01T00:00:00Z'
  const cases: [Partial<Sent>, string, string][] = [
    [{ amountNanos: 0 }, '/amount_nanos', 'too_small'],
    [{ reason: ' ' }, '/reason', 'too_small'],
    [{ effectiveTo: past }, '/effective_to', 'in_the_past'],
    [{ effectiveFrom: past }, '/effective_from', 'in_the_past'],
    [{ periods: 2 }, '/periods', 'no_period'],
    [{ effectiveFrom: '2100-02-01T00:00:00Z' }, '/periods', 'no_period'],
  ]
  for (const [sent, pointer, code] of cases)
    expect(await faultOf(give(budget, sent)), pointer).toEqual({ status: 400, pointer, code })
  const nowhere = { ...budget, id: `bud_${'0'.repeat(26)}` }
  expect(await faultOf(give(nowhere))).toMatchObject({ pointer: '/budget_id', code: 'unknown_reference' })
  for (let n = 0; n < 20; n++) await give(budget, { amountNanos: 1 })
  expect(await faultOf(give(budget))).toMatchObject({ pointer: '/budget_id', code: 'too_many' })
  await it.client.budgets.remove({ params: { budgetId: budget.id } })
  expect(await faultOf(give(budget))).toMatchObject({ code: 'archived' })
})

test('a rehearsal gives nothing and says what gateways would be told', async () => {
  const budget = await budgetOf('rehearsed')
  const body = { budget_id: budget.id, amount_nanos: 7, reason: 'just to see' }
  const { json } = await it.ask('POST', '/api/v1/budget-overrides?dry_run=true', { body })
  expect(json).toMatchObject({ changed: true, after: { budget_id: budget.id, amount_nanos: 7 } })
  expect(JSON.stringify(json.catalog)).toContain(budget.id)
  expect((await it.client.budgetOverrides.list({ query: { budgetId: budget.id } })).data).toEqual([])
  expect((await live(budget))?.overrideNanos).toBe(0)
})
