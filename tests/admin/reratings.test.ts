/** Re-rating through the admin API: shown first, added beside the records, and never added twice. */

import { asRatedNow } from '@headgate/control-plane/database/cost-corrections'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drainBatch } from '../../control-plane/src/jobs/drain-usage.ts'
import { startTestPlane, type TestPlane } from './harness.ts'
import { usageRecord } from './usage-record.ts'

const from = '2026-11-01T00:00:00Z'
const to = '2026-11-02T00:00:00Z'
const window = { from, to, reason: 'the contract was late' }

let it: TestPlane
let deploymentId: string
let otherId: string
beforeAll(async () => {
  it = await startTestPlane()
  const secretRef = 'env://OPENAI_API_KEY' as never
  const account = { name: 'a', apiStyle: 'openai', origin: 'https://api.openai.com', secretRef } as const
  const { id: resourceId } = await it.client.resources.create({ body: account })
  const deploy = (name: string) =>
    it.client.deployments.create({ body: { name, resourceId, upstreamModel: name } })
  deploymentId = (await deploy('gpt')).id
  otherId = (await deploy('unpriced')).id
})
afterAll(() => it.stop())

const plain = { usageDetails: null, serviceTier: null, agreementId: null, shadowRefusal: null }
const call = (n: number, more: Partial<UsageRecord> = {}) =>
  usageRecord(n, { ...plain, deploymentId, costNanos: 1000, ...more })
const unpriced = { costNanos: null, costState: 'unknown', currency: null, priceId: null } as const
const priceFrom = (effectiveFrom: string, nanos: number, currency = 'USD') =>
  it.client.prices.create({
    body: {
      model: 'gpt',
      currency,
      effectiveFrom,
      lines: [
        { kind: 'input', nanos },
        { kind: 'output', nanos: 0 },
      ],
    },
  })
const costs = async () => {
  const [all] = (await it.client.usage.query({ query: { by: 'endpoint', from, to } })).data
  return {
    costs: all?.sums.costs.map((it) => `${it.amount} ${it.currency}`),
    unpriced: all?.sums.callsWithoutPrice,
  }
}

test('a re-rating shows the sum of differences and changes nothing, until it is confirmed', async () => {
  const { client } = it
  // Each has 100 tokens of input; the fourth is of a model that has no price still, the fifth used nothing.
  // As the drain does: a deadlock with the job that makes partitions is tried again.
  const records = [
    ...[
      call(1),
      call(2, { costNanos: 5000 }),
      call(3, unpriced),
      call(4, { ...unpriced, deploymentId: otherId }),
    ],
    call(5, {
      ...unpriced,
      costState: 'none',
      tokens: { input: 0, cachedInput: 0, output: 0, reasoning: 0 },
    }),
    call(100_000, unpriced),
  ]
  const plan = { db: it.db, log: () => {}, usage: usageStore(it.db) }
  await drainBatch(plan, { records, confirm: async () => {} }, new AbortController().signal)
  await priceFrom('2026-10-01T00:00:00Z', 30_000_000)
  const before = await costs()
  expect(before).toEqual({ costs: ['0.000006 USD'], unpriced: 2 })
  const shown = await client.reratings.create({ body: window })
  expect(shown).toMatchObject({
    ...{ applied: false, id: null },
    effect: {
      ...{ records: 4, corrected: 3, newlyPriced: 1, stillUnknown: 1, reason: window.reason },
      differences: [{ currency: 'USD', nanos: String(2000 - 2000 + 3000) }],
    },
  })
  expect(await costs()).toEqual(before)

  const done = await client.reratings.create({ body: { ...window, confirm: shown.confirm } })
  expect(done).toMatchObject({ applied: true, effect: shown.effect })
  expect(await costs()).toEqual({ costs: ['0.000009 USD'], unpriced: 1 })
  const stored = await client.reratings.read({ params: { reratingId: done.id! } })
  expect(stored).toMatchObject({
    ...done.effect,
    id: done.id,
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-11-02T00:00:00.000Z',
  })
  expect((await client.reratings.list()).data).toEqual([stored])
  const [event] = (await client.auditEvents.list({ query: { subjectId: done.id! } })).data
  expect(event).toMatchObject({ action: 'rerating.done' })
  const { data } = await client.usage.list({ query: { from, to, outcome: 'succeeded' } })
  expect(data.find((record) => record.requestId === call(1).requestId)).toEqual(call(1))
})

test('the same window again differs by nothing', async () => {
  const again = await it.client.reratings.create({ body: window })
  expect(again.effect).toMatchObject({ records: 4, corrected: 0, stillUnknown: 1, differences: [] })
  const confirmed = await it.client.reratings.create({ body: { ...window, confirm: again.confirm } })
  expect(confirmed).toMatchObject({ applied: false, id: null })
})

test('a later price corrects the corrected cost by the difference, and a new currency takes the old one back', async () => {
  await priceFrom('2026-10-02T00:00:00Z', 10_000_000, 'EUR')
  const shown = await it.client.reratings.create({ body: window })
  expect(shown.effect.differences).toEqual([
    { currency: 'EUR', nanos: '3000' },
    { currency: 'USD', nanos: '-9000' },
  ])
  await it.client.reratings.create({ body: { ...window, confirm: shown.confirm } })
  expect(await costs()).toEqual({ costs: ['0.000003 EUR', '0.00 USD'], unpriced: 1 })
})

test('a single call is told with the cost that it has since it was last rated', async () => {
  const rated = await asRatedNow(it.db, [call(1), call(3, unpriced), call(4, unpriced)])
  expect(rated).toEqual([
    call(1, { costNanos: 1000, currency: 'EUR' }),
    call(3, { ...unpriced, costNanos: 1000, currency: 'EUR', costState: 'priced' }),
    call(4, unpriced),
  ])
})

test('two at once add the difference once', async () => {
  await priceFrom('2026-10-03T00:00:00Z', 20_000_000, 'EUR')
  const { confirm } = await it.client.reratings.create({ body: window })
  const both = await Promise.allSettled(
    [1, 2].map(() => it.client.reratings.create({ body: { ...window, confirm } })),
  )
  expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect((await costs()).costs).toEqual(['0.000006 EUR', '0.00 USD'])
})

test('an old confirmation, a window that is not over or runs backwards is refused', async () => {
  const confirm = '0'.repeat(64)
  await expect(it.client.reratings.create({ body: { ...window, confirm } })).rejects.toMatchObject({
    ...{ code: 'conflict', faults: [{ pointer: '/confirm' }] },
  })
  for (const [wrong, pointer] of [
    [{ to: '2999-01-01T00:00:00Z' }, '/to'],
    [{ from: to, to: from }, '/to'],
    [{ reason: '' }, '/reason'],
  ] as const) {
    await expect(it.client.reratings.create({ body: { ...window, ...wrong } })).rejects.toMatchObject({
      ...{ status: 400, faults: [{ pointer }] },
    })
  }
})

test('budgets tell what calls cost since they were last rated, whether they were there before or come after', async () => {
  const { client } = it
  const team = await client.teams.create({ body: { name: 'Rated anew' } })
  const of = { teamId: team.id, appId: null, userId: null, keyId: null }
  const budget = async (name: string, currency: string) => {
    const period = { kind: 'span', from: '2020-01-01', to: '2099-12-31' } as const
    const body = { ownerId: team.id, name, currency, amountNanos: 5_000, period }
    return (await client.budgets.create({ body })).id
  }
  const live = async (budgetId: string) => {
    const [one] = (await client.budgets.live({ query: { budgetId } })).data
    return [one?.recordedNanos, one?.unpricedCalls]
  }
  const [euros, dollars] = [await budget('euros', 'EUR'), await budget('dollars', 'USD')]
  const records = [call(200_000, of), call(200_001, { ...unpriced, ...of })]
  const plan = { db: it.db, log: () => {}, usage: usageStore(it.db) }
  await drainBatch(plan, { records, confirm: async () => {} }, new AbortController().signal)
  expect([await live(euros), await live(dollars)]).toEqual([
    [0, 1],
    [1_000, 1],
  ])
  const later = { from: '2026-11-03T00:00:00Z', to: '2026-11-04T00:00:00Z', reason: 'late again' }
  const { confirm } = await client.reratings.create({ body: later })
  expect(await live(euros)).toEqual([0, 1])
  await client.reratings.create({ body: { ...later, confirm } })
  expect([await live(euros), await live(dollars)]).toEqual([
    [4_000, 0],
    [0, 0],
  ])
  const events = await client.budgets.events({ query: { budgetId: euros } })
  expect(events.data.map((event) => event.atPercent)).toEqual([80])
  expect(await live(await budget('euros that come after', 'EUR'))).toEqual([4_000, 0])
  expect(await live(await budget('dollars that come after', 'USD'))).toEqual([0, 0])
})
