/** The price book through the admin API: price lists are shown before they are taken over, agreements, exchange rates. */
import { insertUsage } from '@headgate/control-plane/jobs/usage-rows'
import { CatalogDocument, openCatalog, priceOf } from '@headgate/domain/catalog'
import { costOf } from '@headgate/domain/cost'
import type { PriceList } from '@headgate/domain/price-list'
import { noTokens } from '@headgate/domain/usage'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from './harness.ts'
import { usageRecord } from './usage-record.ts'

let it: TestPlane
let resourceId: string
beforeAll(async () => {
  it = await startTestPlane()
  const secretRef = 'env://OPENAI_API_KEY' as never
  const account = {
    name: 'account',
    apiStyle: 'azure-v1',
    origin: 'https://a.openai.azure.com',
    secretRef,
  } as const
  resourceId = (await it.client.resources.create({ body: account })).id
  const body = { name: 'dep', resourceId, upstreamModel: 'ours', pricedAs: 'gpt-4o' }
  const deploymentId = (await it.client.deployments.create({ body })).id
  const alias = await it.client.modelAliases.create({ body: { name: 'chat' } })
  await it.client.routes.create({ body: { aliasId: alias.id, tiers: [[{ deploymentId }]] } })
})
afterAll(() => it.stop())

const published = async () => CatalogDocument.parse(await it.ports.catalogFeed.newerThan(0))
const cardAt = async (instant: string) => {
  const target = openCatalog(await published()).alias('chat')?.tiers[0]?.[0]
  return priceOf(target!.deployment, Date.parse(instant))
}
const listOf = (nanos: number, more: PriceList['prices'] = []): PriceList => ({
  ...{ source: 'ours', day: '2026-11-01' },
  prices: [
    {
      ...{ model: 'gpt-4o', provider: 'azure', currency: 'EUR', isFree: false, source: null },
      lines: [{ kind: 'input', nanos, serviceTier: 'standard', aboveInputTokens: 0 }],
    },
    ...more,
  ],
})

test('the shipped list is shown whole before a price of it is taken over, and is then in force with its source', async () => {
  const { client } = it
  const shown = await client.prices.takeOver({ body: { list: null } })
  expect(shown).toMatchObject({
    applied: false,
    unchanged: 0,
    source: expect.stringMatching(/^LiteLLM .*, 2026-/),
  })
  expect(shown.differences.length).toBeGreaterThan(250)
  expect(shown.differences.every((one) => one.before === null)).toBe(true)
  expect((await client.prices.list()).data).toEqual([])

  const effectiveFrom = '2026-10-01T00:00:00Z'
  const done = await client.prices.takeOver({ body: { list: null, effectiveFrom, confirm: shown.confirm } })
  expect(done).toEqual({ ...shown, applied: true })
  const [price] = (await client.prices.list({ query: { model: 'gpt-4o', provider: 'azure' } })).data
  expect(price).toMatchObject({ source: shown.source, provider: 'azure', currency: 'USD' })
  expect((await client.prices.list({ query: { model: 'gpt-6-sol' } })).data[0]?.source).toMatch(
    /genai-prices/,
  )
  expect(costOf({ ...noTokens, input: 1000 }, await cardAt(effectiveFrom)).costNanos).toBe(2_500_000)
  expect(await cardAt('2026-09-30T23:59:59Z')).toBeNull()

  const again = await client.prices.takeOver({ body: { list: null } })
  expect(again).toMatchObject({ differences: [], unchanged: shown.differences.length })
  const [event] = (await client.auditEvents.list({ query: { subjectId: shown.confirm } })).data
  expect(event).toMatchObject({ action: 'prices.imported' })
})

test('only prices of deployed models travel to the gateways', async () => {
  const models = (await published()).prices.map((price) => `${price.provider} ${price.model}`)
  expect(models.sort()).toEqual(['azure gpt-4o', 'openai gpt-4o'])
})

test('a list names what is new and what costs something else, and no order of lines makes a difference', async () => {
  const { client } = it
  const fresh = { ...listOf(1).prices[0]!, model: 'our-own' }
  const list = listOf(7, [fresh])
  const shown = await client.prices.takeOver({ body: { list } })
  expect(
    shown.differences.map(({ model, before, after }) => [model, before?.lines.length, after.lines]),
  ).toEqual([
    ['gpt-4o', expect.any(Number), list.prices[0]!.lines],
    ['our-own', undefined, fresh.lines],
  ])
  const turned = { ...list, prices: [{ ...list.prices[0]!, lines: [...list.prices[0]!.lines].reverse() }] }
  await client.prices.takeOver({ body: { list, confirm: shown.confirm } })
  expect(await client.prices.takeOver({ body: { list: turned } })).toMatchObject({
    differences: [],
    unchanged: 1,
  })
})

test('what was not shown is not taken over', async () => {
  const { client } = it
  const { confirm } = await client.prices.takeOver({ body: { list: listOf(8) } })
  await expect(client.prices.takeOver({ body: { list: listOf(9), confirm } })).rejects.toMatchObject({
    ...{ code: 'conflict', faults: [{ pointer: '/confirm', code: 'stale' }] },
  })
  const before = (await client.prices.list({ query: { model: 'gpt-4o' } })).data
  expect(before.some((price) => price.lines.some((line) => line.nanos === 9))).toBe(false)
})

test('a list that names a model twice, or a price that contradicts itself, is refused with its place', async () => {
  const twice = listOf(1, [listOf(2).prices[0]!])
  const wrong = listOf(1)
  wrong.prices[0]!.isFree = true
  for (const [list, pointer] of [
    [twice, '/list/prices'],
    [wrong, '/list/prices/0/lines'],
  ] as const) {
    await expect(it.client.prices.takeOver({ body: { list } })).rejects.toMatchObject({
      ...{ status: 400, faults: [{ pointer }] },
    })
  }
})

test('an agreement multiplies the prices of its resource from its date on, and is published', async () => {
  const { client } = it
  const effectiveFrom = '2026-10-15T00:00:00Z'
  const body = { resourceId, multiplierMillionths: 850_000, effectiveFrom, note: 'framework contract' }
  const agreement = await client.agreements.create({ body })
  expect(await client.agreements.read({ params: { agreementId: agreement.id } })).toEqual(agreement)
  expect((await client.agreements.list({ query: { resourceId } })).data).toEqual([agreement])
  const costAt = async (instant: string) => costOf({ ...noTokens, input: 1000 }, await cardAt(instant))
  expect(await costAt('2026-10-14T23:59:59Z')).toMatchObject({ costNanos: 2_500_000, agreementId: null })
  expect(await costAt(effectiveFrom)).toMatchObject({ costNanos: 2_125_000, agreementId: agreement.id })
  await expect(client.agreements.create({ body })).rejects.toMatchObject({
    ...{ code: 'conflict', faults: [{ pointer: '/effective_from' }] },
  })
  await expect(
    client.agreements.create({ body: { ...body, resourceId: `res_${'0'.repeat(26)}` } }),
  ).rejects.toMatchObject({ status: 400, faults: [{ pointer: '/resource_id', code: 'unknown_reference' }] })
})

test('what reserved capacity cost is shared out by tokens, for the time in which its agreement held', async () => {
  const { client } = it
  const body = { resourceId, reservedNanosPerHour: 3_600_000_000, currency: 'EUR' }
  const first = await client.agreements.create({ body: { ...body, effectiveFrom: '2026-11-01T10:00:00Z' } })
  await client.agreements.create({ body: { ...body, effectiveFrom: '2026-11-01T14:00:00Z' } })
  const free = { costNanos: 0, costState: 'free', currency: 'EUR', agreementId: first.id } as const
  const at = (minute: number) => `2026-11-01T12:0${minute}:00.000Z`
  await insertUsage(it.db, [
    ...[1, 2, 3].map((n) => usageRecord(n, { ...free, startedAt: at(n) })),
    usageRecord(4, { ...free, startedAt: '2026-11-01T13:00:00.000Z' }),
    usageRecord(5, { startedAt: at(5) }),
  ])
  const allocationOf = (from: string, to: string, agreementId = first.id) =>
    client.agreements.allocate({ params: { agreementId }, query: { from, to } })
  const [whole, hour] = [
    await allocationOf('2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z'),
    await allocationOf('2026-11-01T12:00:00Z', '2026-11-01T13:00:00Z'),
  ]
  expect(whole).toMatchObject({
    from: '2026-11-01T10:00:00.000Z',
    to: '2026-11-01T14:00:00.000Z',
    currency: 'EUR',
  })
  expect(whole.totalNanos).toBe(String(4 * 3_600_000_000))
  expect(hour.shares).toEqual([
    { teamId: 'team_1', calls: 2, tokens: 240, nanos: '2400000000' },
    { teamId: 'team_0', calls: 1, tokens: 120, nanos: '1200000000' },
  ])
  const before = await allocationOf('2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z')
  expect(before).toMatchObject({ totalNanos: '0', shares: [] })
  const [multiplier] = (await client.agreements.list({ query: { resourceId } })).data.slice(-1)
  await expect(
    allocationOf('2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', multiplier!.id),
  ).rejects.toMatchObject({ status: 400, faults: [{ code: 'no_reserved_capacity' }] })
})

test('an exchange rate is written down once a day, is corrected in its place, and each time somebody is named', async () => {
  const { client } = it
  const body = { base: 'EUR', quote: 'USD', day: '2026-11-02', rateBillionths: 1_084_500_000, source: 'ECB' }
  const first = await client.exchangeRates.put({ body })
  expect(await client.exchangeRates.put({ body })).toEqual(first)
  const second = await client.exchangeRates.put({ body: { ...body, rateBillionths: 1_090_000_000 } })
  await client.exchangeRates.put({ body: { ...body, day: '2026-11-01' } })
  await client.exchangeRates.put({ body: { ...body, quote: 'GBP' } })
  const listed = await client.exchangeRates.list({ query: { quote: 'USD' } })
  expect(listed.data.map((it) => [it.day, it.rateBillionths])).toEqual([
    [second.day, 1_090_000_000],
    ['2026-11-01', 1_084_500_000],
  ])
  const { page } = await client.exchangeRates.list({ query: { limit: 1 } })
  const rest = await client.exchangeRates.list({ query: { limit: 1, cursor: page.nextCursor! } })
  expect(rest.data).toHaveLength(1)
  const events = (await client.auditEvents.list({ query: { subjectId: 'EUR-USD-2026-11-02' } })).data
  expect(events.map((event) => event.action)).toEqual(['exchange-rate.put', 'exchange-rate.put'])
  expect(events[0]).toMatchObject({ before: { rateBillionths: 1_084_500_000 } })
})
