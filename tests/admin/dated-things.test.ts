/** Prices, agreements and exchange rates are changed until they come into force, and closed from then on. */
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { CatalogDocument, openCatalog, priceOf } from '@headgate/domain/catalog'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drainBatch } from '../../control-plane/src/jobs/drain-usage.ts'
import { startTestPlane, systemClock, type TestPlane } from './harness.ts'
import { usageRecord } from './usage-record.ts'

const DAY_MS = 86_400_000
let it: TestPlane
let resourceId: string
let deploymentId: string
/** How far the clock of the plane goes ahead. */
let aheadMs = 0
beforeAll(async () => {
  const clock = { ...systemClock, nowMs: () => Date.now() + aheadMs }
  it = await startTestPlane({ ports: { clock } })
  const secretRef = 'env://OPENAI_API_KEY' as never
  const account = { name: 'a', apiStyle: 'openai', origin: 'https://api.openai.com', secretRef } as const
  resourceId = (await it.client.resources.create({ body: account })).id
  deploymentId = (
    await it.client.deployments.create({ body: { name: 'd', resourceId, upstreamModel: 'ours' } })
  ).id
  const alias = await it.client.modelAliases.create({ body: { name: 'chat' } })
  await it.client.routes.create({ body: { aliasId: alias.id, tiers: [[{ deploymentId }]] } })
})
afterAll(() => it.stop())

const inDays = (days: number) => new Date(Date.now() + aheadMs + days * DAY_MS).toISOString()
const lines = (nanos: number) => [{ kind: 'input' as const, nanos }]
const priceOfModel = (model: string, from: string, to: string | null = null, nanos = 7_000_000) =>
  it.client.prices.create({
    body: {
      ...{ model, currency: 'EUR', effectiveFrom: from, effectiveTo: to },
      lines: [...lines(nanos), { kind: 'output', nanos: 0 }],
    },
  })
const published = async () => CatalogDocument.parse(await it.ports.catalogFeed.newerThan(0))
const cardAt = async (instant: string) => {
  const target = openCatalog(await published()).alias('chat')?.tiers[0]?.[0]
  return priceOf(target!.deployment, Date.parse(instant))?.price?.id ?? null
}
const fault = (status: number, code: string, pointer: string) => ({ status, faults: [{ code, pointer }] })

test('a price that has not come into force is changed in any of its parts, removed, and gateways hear of each', async () => {
  const { client } = it
  const coming = await priceOfModel('ours', inDays(2))
  const params = { priceId: coming.id }
  const body = { lines: lines(9), effectiveFrom: inDays(1), source: 'offer 12' }
  const changed = await client.prices.change({ params, body, ifMatch: client.etagOf(coming)! })
  expect(changed).toMatchObject({ ...body, lines: [{ kind: 'input', nanos: 9, serviceTier: 'standard' }] })
  expect(await cardAt(inDays(1.5))).toBe(coming.id)
  await expect(client.prices.change({ params, body: { isFree: true }, ifMatch: '*' })).rejects.toMatchObject({
    status: 400,
    faults: [{ pointer: '/lines' }],
  })
  const free = await client.prices.change({ params, body: { isFree: true, lines: [] }, ifMatch: '*' })
  expect(free.isFree).toBe(true)
  await expect(
    client.prices.change({ params, body: { source: null }, ifMatch: client.etagOf(coming)! }),
  ).rejects.toMatchObject({ status: 412 })
  const rehearsed = await it.ask('DELETE', `/api/v1/prices/${coming.id}?dry_run=true`)
  expect(rehearsed.json).toMatchObject({ changed: true, catalog: [{ change: 'removed', id: coming.id }] })
  expect(await client.prices.remove({ params, ifMatch: '*' })).toEqual(free)
  expect(await cardAt(inDays(3))).toBeNull()
  const events = (await client.auditEvents.list({ query: { subjectId: coming.id, result: 'done' } })).data
  expect(events.map((event) => event.action)).toEqual([
    ...['price.removed', 'price.changed', 'price.changed', 'price.created'],
  ])
})

test('a price that is in force is not rewritten and not removed; it is closed to come, and opened again until it has ended', async () => {
  const { client } = it
  const price = await priceOfModel('held', inDays(-3))
  const params = { priceId: price.id }
  const change = (body: object) => client.prices.change({ params, body, ifMatch: '*' })
  for (const [field, value] of [
    ['lines', lines(1)],
    ['currency', 'USD'],
    ['model', 'other'],
    ['effectiveFrom', inDays(1)],
  ] as const) {
    const pointer = `/${field.replace('From', '_from')}`
    await expect(change({ [field]: value, effectiveTo: inDays(1) })).rejects.toMatchObject(
      fault(409, 'in_force', pointer),
    )
  }
  await expect(change({ effectiveTo: inDays(-1) })).rejects.toMatchObject(
    fault(400, 'in_the_past', '/effective_to'),
  )
  await expect(client.prices.remove({ params, ifMatch: '*' })).rejects.toMatchObject(
    fault(409, 'in_force', ''),
  )
  // The same instant in another time zone is the same.
  const zoned = price.effectiveFrom.replace('Z', '+00:00')
  expect(await change({ effectiveFrom: zoned })).toEqual(price)
  const closed = await change({ effectiveTo: inDays(1), source: 'contract 7' })
  expect(closed).toMatchObject({ source: 'contract 7' })
  expect((await change({ effectiveTo: null })).effectiveTo).toBeNull()
  await change({ effectiveTo: inDays(1) })
  aheadMs += 2 * DAY_MS
  for (const body of [{ effectiveTo: null }, { lines: lines(1) }])
    await expect(change(body)).rejects.toMatchObject({ status: 409, faults: [{ code: 'ended' }] })
  await expect(client.prices.remove({ params, ifMatch: '*' })).rejects.toMatchObject(fault(409, 'ended', ''))
  expect((await priceOfModel('held', inDays(0))).id).not.toBe(price.id)
})

test('two prices that would hold for the same time are refused by name, a list leaves such out, and one within another is not', async () => {
  const { client } = it
  const first = await priceOfModel('crossed', inDays(10), inDays(20))
  await expect(priceOfModel('crossed', inDays(15))).rejects.toMatchObject(
    fault(409, 'crosses', '/effective_from'),
  )
  await expect(priceOfModel('crossed', inDays(5), inDays(12))).rejects.toMatchObject({
    faults: [{ code: 'crosses', pointer: '/effective_to', message: expect.stringContaining(first.id) }],
  })
  const within = await priceOfModel('crossed', inDays(12), inDays(14))
  await priceOfModel('crossed', inDays(20))
  const params = { priceId: within.id }
  await expect(
    client.prices.change({ params, body: { effectiveTo: inDays(21) }, ifMatch: '*' }),
  ).rejects.toMatchObject({ faults: [{ code: 'crosses' }] })
  await client.prices.create({
    body: {
      ...{ model: 'crossed', provider: 'openai', currency: 'EUR', lines: lines(1) },
      ...{ effectiveFrom: inDays(15), effectiveTo: null },
    },
  })
  const list = {
    ...{ source: 'ours', day: '2026-11-01' },
    prices: [
      {
        ...{ model: 'crossed', provider: null, currency: 'EUR', isFree: false, source: null },
        lines: [{ kind: 'input', nanos: 3, serviceTier: 'standard', aboveInputTokens: 0 }],
      },
      {
        ...{ model: 'beside', provider: null, currency: 'EUR', isFree: false, source: null },
        lines: [{ kind: 'input', nanos: 4, serviceTier: 'standard', aboveInputTokens: 0 }],
      },
    ],
  } as const
  const body = { list: list as never, effectiveFrom: inDays(16) }
  const shown = await client.prices.takeOver({ body })
  const kept = { model: 'crossed', provider: null, id: first.id, effectiveTo: first.effectiveTo }
  expect(shown).toMatchObject({
    ...{ applied: false, differences: [{ model: 'beside' }], unchanged: 0 },
    kept: [{ ...kept, listed: { lines: [{ kind: 'input', nanos: 3 }] } }],
  })
  const done = await client.prices.takeOver({ body: { ...body, confirm: shown.confirm } })
  expect(done).toEqual({ ...shown, applied: true })
  const of = async (model: string) => (await client.prices.list({ query: { model } })).data
  expect((await of('crossed')).filter((one) => one.source?.startsWith('ours'))).toEqual([])
  expect(await of('beside')).toMatchObject([{ source: 'ours, 2026-11-01', effectiveTo: null }])
  const [event] = (await client.auditEvents.list({ query: { subjectId: shown.confirm } })).data
  expect(event?.after).toMatchObject({ kept: [{ id: first.id, model: 'crossed' }] })
  // Nothing but what is kept is left: nothing is taken over.
  expect(await client.prices.takeOver({ body })).toMatchObject({
    differences: [],
    unchanged: 1,
    kept: [kept],
  })
})

test('what past calls cost does not move when their price is closed and another takes its place', async () => {
  const { client } = it
  const price = await priceOfModel('ours', inDays(-9), null, 30_000_000)
  const at = inDays(-2)
  const record = usageRecord(1, {
    ...{ usageDetails: null, serviceTier: null, agreementId: null, shadowRefusal: null },
    ...{ deploymentId, startedAt: at, costNanos: 1_000, currency: 'EUR', priceId: price.id },
  })
  const plan = { db: it.db, log: () => {}, usage: usageStore(it.db) }
  await drainBatch(plan, { records: [record], confirm: async () => {} }, new AbortController().signal)
  const stored = () => it.db.selectFrom('usageRecords').select(['costNanos', 'priceId']).execute()
  const [from, to] = [inDays(-3), inDays(-1)]
  const sums = async () =>
    (await client.usage.query({ query: { by: 'endpoint', from, to } })).data.map((it) => it.sums.costs)
  const before = [await stored(), await sums()]
  await client.prices.change({
    params: { priceId: price.id },
    body: { effectiveTo: inDays(1) },
    ifMatch: '*',
  })
  await priceOfModel('ours', inDays(1), null, 90_000_000)
  expect([await stored(), await sums()]).toEqual(before)
  const shown = await client.reratings.create({ body: { from, to, reason: 'as it was' } })
  expect(shown.effect).toMatchObject({ records: 1, differences: [{ nanos: String(100 * 30 - 1_000) }] })
  expect([await stored(), await sums()]).toEqual(before)
})

test('an agreement follows the same rules, of its own place alone', async () => {
  const { client } = it
  const body = { resourceId, multiplierMillionths: 900_000, effectiveFrom: inDays(3), effectiveTo: inDays(9) }
  const coming = await client.agreements.create({ body })
  await expect(
    client.agreements.create({ body: { ...body, effectiveFrom: inDays(5), effectiveTo: null } }),
  ).rejects.toMatchObject(fault(409, 'crosses', '/effective_from'))
  const other = { ...body, resourceId: null, deploymentId, effectiveFrom: inDays(5), effectiveTo: null }
  const elsewhere = await client.agreements.create({ body: other })
  const params = { agreementId: coming.id }
  await expect(
    client.agreements.change({ params, body: { reservedNanosPerHour: 5 }, ifMatch: '*' }),
  ).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/multiplier_millionths' }] })
  const changed = await client.agreements.change({
    ...{ params, ifMatch: client.etagOf(coming)! },
    body: { multiplierMillionths: 800_000, effectiveFrom: inDays(-1), effectiveTo: null },
  })
  expect(changed.multiplierMillionths).toBe(800_000)
  await expect(
    client.agreements.change({ params, body: { multiplierMillionths: 1 }, ifMatch: '*' }),
  ).rejects.toMatchObject(fault(409, 'in_force', '/multiplier_millionths'))
  const closed = await client.agreements.change({
    ...{ params, ifMatch: '*' },
    body: { effectiveTo: inDays(1), note: 'cancelled' },
  })
  expect(closed.note).toBe('cancelled')
  const held = (await published()).agreements.find((one) => one.id === coming.id)
  expect(held).toEqual(closed)
  await client.agreements.remove({ params: { agreementId: elsewhere.id }, ifMatch: '*' })
  await expect(client.agreements.remove({ params, ifMatch: '*' })).rejects.toMatchObject({ status: 409 })
})

test('a draft that leaves a served model without a price says from when on', async () => {
  const { client } = it
  const [price] = (await client.prices.list({ query: { model: 'ours', sort: '-effective_from' } })).data
  const to = inDays(9)
  const draft = await client.drafts.create({
    body: {
      name: 'No price',
      items: [
        {
          operation: 'prices.change',
          params: { priceId: price!.id },
          body: { effectiveTo: to },
          ifMatch: '*',
        },
      ],
    },
  })
  const check = await client.publications.check({ params: { draftId: draft.id } })
  expect(check).toMatchObject({ passes: true, problem: null })
  expect(check.warnings).toContainEqual(
    expect.objectContaining({
      message: `the price of "ours" at deployment "d" ends at ${to} and none follows`,
    }),
  )
})

test('an exchange rate is read and removed by its currencies and its day', async () => {
  const { client } = it
  const body = { base: 'EUR', quote: 'USD', day: '2026-11-02', rateBillionths: 1_084_500_000, source: 'ECB' }
  const rate = await client.exchangeRates.put({ body })
  const params = { rateId: 'EUR-USD-2026-11-02' }
  expect(rate.id).toBe(params.rateId)
  expect(await client.exchangeRates.read({ params })).toEqual(rate)
  await expect(client.exchangeRates.remove({ params, ifMatch: '"seen-before"' })).rejects.toMatchObject({
    status: 412,
  })
  expect(await client.exchangeRates.remove({ params, ifMatch: client.etagOf(rate)! })).toEqual(rate)
  for (const rateId of [params.rateId, 'EUR-USD', 'eur-usd-2026-11-02'])
    await expect(client.exchangeRates.read({ params: { rateId } })).rejects.toMatchObject({ status: 404 })
  const [event] = (await client.auditEvents.list({ query: { subjectId: params.rateId } })).data
  expect(event).toMatchObject({ action: 'exchange-rate.removed', before: rate, after: null })
})
