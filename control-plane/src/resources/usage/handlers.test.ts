/** Usage sums are exact and name what they leave out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane, until } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { mergeGroups, moneyOf } from './handlers.ts'

const COUNT = 60
const from = '2026-11-01T00:00:00Z'
const to = '2026-12-01T00:00:00Z'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
  for (let n = 0; n < COUNT; n++) it.ports.usageSource.append(usageRecord(n))
  it.ports.usageSource.append(
    usageRecord(100, { teamId: null, costState: 'unknown', costNanos: null, currency: null, priceId: null }),
  )
  it.ports.usageSource.append(usageRecord(101, { currency: 'EUR', costNanos: Number.MAX_SAFE_INTEGER }))
  it.ports.usageSource.append(usageRecord(103, { currency: 'EUR', costNanos: Number.MAX_SAFE_INTEGER }))
  await until(
    async () => (await it.client.usage.list({ query: { limit: 200 } })).data.length === COUNT + 3,
    'the drain to store the records',
  )
})
afterAll(() => it.stop())

test('records are listed latest first, walked whole by cursor, and filtered', async () => {
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await it.client.usage.list({ query: { limit: 25, ...(cursor ? { cursor } : {}) } })
    seen.push(...page.data.map((record) => record.requestId))
    cursor = page.page.nextCursor ?? undefined
  } while (cursor)
  expect(seen).toEqual([...seen].sort().reverse())
  expect(new Set(seen).size).toBe(COUNT + 3)
  const some = await it.client.usage.list({ query: { teamId: 'team_1', to: '2026-11-01T00:00:10Z' } })
  expect(some.data).toEqual([9, 7, 5, 3, 1].map((n) => usageRecord(n)))
})

test('sums by team count calls, tokens, each currency to the nano, and calls without a price', async () => {
  const { data, truncated } = await it.client.usage.sum({ query: { by: 'team', from, to } })
  expect(truncated).toBe(false)
  const tokens = (calls: number) => ({
    input: 100 * calls,
    cachedInput: 10 * calls,
    output: 20 * calls,
    reasoning: 5 * calls,
  })
  expect(data).toEqual([
    {
      value: 'team_1',
      calls: 32,
      tokens: tokens(32),
      // Twice the largest safe integer, which no JSON number could say.
      costs: [
        { amount: '18014398.509481982', currency: 'EUR' },
        { amount: '0.00003', currency: 'USD' },
      ],
      callsWithoutPrice: 0,
    },
    {
      value: 'team_0',
      calls: 30,
      tokens: tokens(30),
      costs: [{ amount: '0.00003', currency: 'USD' }],
      callsWithoutPrice: 0,
    },
    { value: null, calls: 1, tokens: tokens(1), costs: [], callsWithoutPrice: 1 },
  ])
})

test.each(['app', 'user', 'key', 'alias', 'deployment', 'endpoint', 'outcome', 'day'] as const)(
  'sums by %s add up to all calls',
  async (by) => {
    const { data } = await it.client.usage.sum({ query: { by, from, to } })
    expect(data.reduce((sum, group) => sum + group.calls, 0)).toBe(COUNT + 3)
    if (by === 'day') expect(data.map((group) => group.value)).toEqual(['2026-11-01'])
  },
)

test('a span that ends before it begins is refused, and without one the last day is meant', async () => {
  await expect(it.client.usage.sum({ query: { by: 'team', from: to, to: from } })).rejects.toMatchObject({
    status: 400,
    faults: [{ pointer: '?from' }],
  })
  const reply = await it.client.usage.sum({ query: { by: 'team' } })
  expect(Date.parse(reply.to) - Date.parse(reply.from)).toBe(24 * 60 * 60 * 1000)
})

test('money is exact decimal text', () => {
  expect(moneyOf('0', 'USD').amount).toBe('0.00')
  expect(moneyOf('1', 'USD').amount).toBe('0.000000001')
  expect(moneyOf('1500000000', 'USD').amount).toBe('1.50')
  expect(moneyOf('123456789012345678901', 'USD').amount).toBe('123456789012.345678901')
  expect(moneyOf('-1500000001', 'USD').amount).toBe('-1.500000001')
  expect(mergeGroups([])).toEqual([])
})
