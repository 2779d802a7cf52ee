/** Budgets as admins make them: what was spent counts from their first call on, and gateways hear of every change. */
import type { NewBudget } from '@headgate/domain/budget'
import { openBudget } from '@headgate/domain/spend'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { startTestPlane, systemClock, type TestPlane, until } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'

const DOLLAR = 1_000_000_000

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

async function setUp(name: string) {
  const { client } = it
  const team = await client.teams.create({ body: { name } })
  const app = await client.apps.create({ body: { teamId: team.id, name: 'app' } })
  const user = await client.users.create({ body: { teamId: team.id, name: 'Ada', email: null } })
  const key = await client.keys.create({ body: { name: 'key', appId: app.id, userId: user.id } })
  return { team, app, user, key }
}

type Sent = z.input<typeof NewBudget>

const create = (ownerId: string, changes: Partial<Sent> = {}) =>
  it.client.budgets.create({
    body: {
      ...{ ownerId, name: 'Month', currency: 'USD', amountNanos: 100 * DOLLAR },
      ...{ period: { kind: 'month' }, steps: [], ...changes },
    },
  })

const document = async () => (await it.ports.catalogFeed.newerThan(0)) ?? { budgets: [] }
const live = async (budgetId: string) => (await it.client.budgets.live({ query: { budgetId } })).data[0]

/** A record of now, of these owners, that cost so much. */
let count = 0
function record(owners: { teamId: string; appId?: string }, costNanos: number | null) {
  count += 1
  const startedAt = new Date(systemClock.nowMs()).toISOString()
  const cost = costNanos === null ? ({ costState: 'unknown', currency: null, priceId: null } as const) : {}
  return usageRecord(10_000 + count, {
    appId: null,
    userId: null,
    keyId: null,
    ...owners,
    startedAt,
    costNanos,
    ...cost,
  })
}

/** The first fault of a refusal. */
async function faultOf(refused: Promise<unknown>) {
  const fault = await refused.then(
    () => null,
    (thrown) => thrown,
  )
  return { status: fault?.status, pointer: fault?.faults[0]?.pointer, code: fault?.faults[0]?.code }
}

describe('a budget', () => {
  test('of each kind of owner reaches the gateways: keys carry theirs, the catalog has the others', async () => {
    const { team, app, user, key } = await setUp('owners')
    const made: Awaited<ReturnType<typeof create>>[] = []
    for (const owner of [team, app, user, key]) made.push(await create(owner.id))
    for (const budget of made)
      expect(budget).toMatchObject({ teamId: team.id, timeZone: 'UTC', archivedAt: null })
    const [ofTeam, ofApp, ofUser, ofKey] = made.map((budget) => budget.id)
    const published = (await document()).budgets.map((budget) => budget.id)
    expect(published).toEqual(expect.arrayContaining([ofTeam, ofApp, ofUser]))
    expect(published).not.toContain(ofKey)
    const known = await it.ports.keyPublisher.find(it.ports.digestKey(key.secret))
    expect(known?.budgets.map((budget) => budget.id)).toEqual([ofKey])
    const listed = await it.client.budgets.list({ query: { teamId: team.id } })
    expect(listed.data.map((budget) => budget.id)).toEqual([ofKey, ofUser, ofApp, ofTeam])
    expect(await it.client.budgets.read({ params: { budgetId: made[0]?.id as string } })).toEqual(made[0])
  })

  test('keeps its steps in order, and changes without losing what was spent', async () => {
    const { team } = await setUp('changes')
    const block = { action: 'block', atPercent: 100 } as const
    const alert = { action: 'alert', atPercent: 50 } as const
    const budget = await create(team.id, { steps: [block, alert] })
    expect(budget.steps).toEqual([alert, block])
    const params = { budgetId: budget.id }
    const changed = await it.client.budgets.change({ params, body: { amountNanos: 7 } })
    expect(changed).toEqual({ ...budget, amountNanos: 7 })
    const audited = async () => (await it.client.auditEvents.list({ query: { subjectId: budget.id } })).data
    const before = await audited()
    expect(before.map((event) => event.action)).toEqual(['budget.changed', 'budget.created'])
    await it.client.budgets.change({ params, body: { amountNanos: 7, steps: [block, alert] } })
    expect(await audited()).toEqual(before)
  })

  test('that was ended counts nothing, is kept, and leaves its name free', async () => {
    const { app } = await setUp('ends')
    const budget = await create(app.id)
    const params = { budgetId: budget.id }
    const ended = await it.client.budgets.remove({ params })
    expect(ended.archivedAt).not.toBeNull()
    expect(await it.client.budgets.remove({ params })).toEqual(ended)
    expect((await document()).budgets.map((known) => known.id)).not.toContain(budget.id)
    expect((await it.client.budgets.list({ query: { ownerId: app.id } })).data).toEqual([])
    const all = await it.client.budgets.list({ query: { ownerId: app.id, archived: 'true' } })
    expect(all.data).toEqual([ended])
    expect(await faultOf(it.client.budgets.change({ params, body: { amountNanos: 1 } }))).toMatchObject({
      code: 'archived',
    })
    expect((await create(app.id)).name).toBe(budget.name)
  })

  test('is refused with the field at fault', async () => {
    const { team } = await setUp('faults')
    await create(team.id)
    const taken = await faultOf(create(team.id))
    expect(taken).toEqual({ status: 409, pointer: '/name', code: 'taken' })
    const cases: [Partial<Sent> & { ownerId?: string }, string][] = [
      [{ ownerId: 'app_01ARZ3NDEKTSV4RRFFQ69G5FAV' }, '/owner_id'],
      [{ currency: 'dollars' }, '/currency'],
      [{ amountNanos: 0 }, '/amount_nanos'],
      [{ period: { kind: 'year' } as never }, '/period/kind'],
      [{ period: { kind: 'days', days: 14, from: '2026-02-30' } }, '/period/from'],
      [{ period: { kind: 'span', from: '2026-03-02', to: '2026-03-01' } }, '/period/to'],
      [{ timeZone: 'Mars/Olympus' }, '/time_zone'],
      [{ steps: [{ action: 'block', atPercent: 0 }] }, '/steps/0/at_percent'],
      [{ steps: [{ action: 'downshift', atPercent: 80, model: 'no-such' }] }, '/steps/0/model'],
    ]
    for (const [changes, pointer] of cases) {
      const { ownerId = team.id, ...rest } = changes
      expect(await faultOf(create(ownerId, { name: 'Other', ...rest })), pointer).toMatchObject({
        ...{ status: 400, pointer },
      })
    }
    for (let i = 1; i < 8; i++) await create(team.id, { name: `Budget ${i}` })
    expect(await faultOf(create(team.id, { name: 'one more' }))).toMatchObject({ code: 'too_many' })
  })
})

describe('budgets, like every other thing,', () => {
  test('are narrowed by their fields and a part of the name, and walked in every order, page by page', async () => {
    const { team, app } = await setUp('lists')
    const [month, week, day] = [
      await create(team.id, { name: 'Month of all', amountNanos: 30 }),
      await create(app.id, { name: 'Week', currency: 'EUR', amountNanos: 10 }),
      await create(app.id, { name: 'Day of all', amountNanos: 20 }),
    ]
    type Query = NonNullable<Parameters<typeof it.client.budgets.list>[0]>['query']
    const names = async (query: Query) => {
      const found: string[] = []
      let cursor: string | null = null
      do {
        const page = await it.client.budgets.list({
          query: { ...query, teamId: team.id, limit: 2, ...(cursor === null ? {} : { cursor }) },
        })
        found.push(...page.data.map((budget) => budget.name))
        cursor = page.page.nextCursor
      } while (cursor !== null)
      return found
    }
    expect(await names({ sort: 'amount_nanos' })).toEqual(['Week', 'Day of all', 'Month of all'])
    expect(await names({ sort: '-name' })).toEqual(['Week', 'Month of all', 'Day of all'])
    expect(await names({})).toEqual(['Day of all', 'Week', 'Month of all'])
    expect(await names({ q: 'OF ALL', sort: 'name' })).toEqual(['Day of all', 'Month of all'])
    expect(await names({ currency: 'EUR' })).toEqual(['Week'])
    await it.client.budgets.remove({ params: { budgetId: week.id } })
    expect(await names({ currency: 'EUR' })).toEqual([])
    expect(await names({ currency: 'EUR', archived: 'true' })).toEqual(['Week'])
    const listed = await it.client.budgets.list({ query: { ownerId: app.id } })
    expect(listed.data).toEqual([day])
    expect(await it.client.budgets.read({ params: { budgetId: month.id } })).toEqual(month)
  })

  test('are changed by who has seen them, rehearsed, and made and ended in bulk', async () => {
    const { team } = await setUp('alike')
    const budget = await create(team.id)
    const params = { budgetId: budget.id }
    const ifMatch = it.client.etagOf(budget) ?? ''
    const path = `/api/v1/budgets/${budget.id}`
    expect((await it.ask('PATCH', path, { body: { amount_nanos: 5 }, ifMatch: null })).status).toBe(428)
    const rehearsed = await it.ask('PATCH', `${path}?dry_run=true`, { body: { amount_nanos: 5 } })
    expect(rehearsed.json).toMatchObject({ changed: true, after: { amount_nanos: 5 } })
    expect(rehearsed.json.catalog).toMatchObject([{ kind: 'budgets', id: budget.id }])
    const changed = await it.client.budgets.change({ params, body: { amountNanos: 6 }, ifMatch })
    await expect(
      it.client.budgets.change({ params, body: { amountNanos: 7 }, ifMatch }),
    ).rejects.toMatchObject({ status: 412 })
    expect(await it.client.budgets.read({ params })).toEqual(changed)
    const made = {
      ...{ ownerId: team.id, name: 'In bulk', currency: 'USD', amountNanos: 1 },
      period: { kind: 'day' },
    }
    const { data } = await it.client.batch.run({
      body: {
        atomic: true,
        items: [
          { operation: 'budgets.create', body: made },
          { operation: 'budgets.remove', params },
          {
            operation: 'budgetOverrides.create',
            body: { amountNanos: 1, reason: 'both at once' },
            refs: [{ at: '/body/budget_id', item: 0 }],
          },
        ],
      },
    })
    expect(data.map((item) => item.status)).toEqual([201, 200, 201])
    expect((await it.client.budgets.read({ params })).archivedAt).not.toBeNull()
  })
})

describe('what a budget has spent', () => {
  test('begins with what its owner spent since the period began, and tells people of it', async () => {
    const { team } = await setUp('past')
    const { usageSource } = it.ports
    usageSource.append(record({ teamId: team.id }, 85 * DOLLAR))
    usageSource.append({ ...record({ teamId: team.id }, 10 * DOLLAR), currency: 'EUR' })
    usageSource.append(record({ teamId: team.id }, null))
    const stored = () => it.client.usage.list({ query: { teamId: team.id } })
    await until(async () => (await stored()).data.length === 3, 'the records')
    const budget = await create(team.id)
    expect(await live(budget.id)).toMatchObject({ recordedNanos: 85 * DOLLAR, unpricedCalls: 1 })
    await until(async () => (await live(budget.id))?.now?.spentNanos === 85 * DOLLAR, 'the ledger to be told')
    expect(await live(budget.id)).toMatchObject({ state: 'warning', usedPercent: 85, ownerName: 'past' })
    const events = await it.client.budgets.events({ query: { budgetId: budget.id } })
    expect(events.data.map((event) => event.atPercent)).toEqual([80])
    await it.client.budgets.change({ params: { budgetId: budget.id }, body: { amountNanos: 85 * DOLLAR } })
    const more = await it.client.budgets.events({ query: { teamId: team.id, limit: 1 } })
    expect(more).toMatchObject({
      data: [{ atPercent: 100, spentNanos: 85 * DOLLAR }],
      page: { hasMore: true },
    })
  })

  test('is shown live: spent, held, free, where it leads, and at which step it stands', async () => {
    const { team } = await setUp('live')
    const steps: Sent['steps'] = [
      { action: 'throttle', atPercent: 50, requestsPerMinute: 6 },
      { action: 'block', atPercent: 100 },
    ]
    const budget = await create(team.id, {
      period: { kind: 'span', from: '2020-01-01', to: '2099-12-31' },
      steps,
    })
    await until(async () => (await live(budget.id))?.state === 'ok', 'the ledger to know the team')
    expect(await live(budget.id)).toMatchObject({
      now: { spentNanos: 0, heldNanos: 0, freeNanos: 100 * DOLLAR },
      ...{ usedPercent: 0, forecastNanos: 0, runsOutAt: null },
    })
    const { claim } = openBudget({ ...budget, overrides: [] }, '', systemClock.nowMs()) ?? {}
    if (claim === undefined) throw new Error('it has a period')
    const held = { id: 'req_live', claims: [claim], tokens: 1, tokensAtLeast: 1, nanos: 40 * DOLLAR }
    expect((await it.ports.ledger.reserve(held)).admitted).toBe(true)
    const spent = { id: 'req_spent', claims: [claim], tokens: 1, tokensAtLeast: 1, nanos: 20 * DOLLAR }
    expect((await it.ports.ledger.reserve(spent)).admitted).toBe(true)
    it.ports.ledger.settle(spent, { sent: true, tokens: 1, quotaId: null, nanos: 30 * DOLLAR })
    expect(await live(budget.id)).toMatchObject({
      now: { spentNanos: 30 * DOLLAR, heldNanos: 40 * DOLLAR, freeNanos: 30 * DOLLAR },
      ...{ usedPercent: 70, state: 'throttled' },
    })
    const { forecastNanos, runsOutAt } = (await live(budget.id)) ?? {}
    expect(forecastNanos).toBeGreaterThan(30 * DOLLAR)
    expect(Date.parse(runsOutAt ?? '')).toBeGreaterThan(systemClock.nowMs())
    it.ports.ledger.settle(held, { sent: true, tokens: 1, quotaId: null, nanos: 90 * DOLLAR })
    expect(await live(budget.id)).toMatchObject({ state: 'exhausted', usedPercent: 120, runsOutAt: null })
  })

  test('of a budget that has not begun is nothing, and says so', async () => {
    const { team } = await setUp('later')
    const budget = await create(team.id, { period: { kind: 'span', from: '2098-01-01', to: '2099-12-31' } })
    expect(await live(budget.id)).toMatchObject({ period: null, now: null, recordedNanos: 0, state: 'ok' })
  })
})
