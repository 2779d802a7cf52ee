/** Usage sums are exact and name what they leave out. */
import type { UsageQuery } from '@headgate/admin-contract/usage-query'
import { UsageDimension } from '@headgate/domain/rollup'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { z } from 'zod'
import { startTestPlane, type TestPlane, until } from '../../../../tests/admin/harness.ts'
import { usageRecord } from '../../../../tests/admin/usage-record.ts'
import { moneyOf } from './money-view.ts'

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

const query = (query: z.input<typeof UsageQuery> = {}) =>
  it.client.usage.query({ query: { from, to, ...query } })

test('sums by team count calls, tokens, each currency to the nano, and calls without a price', async () => {
  const { data, groups, ...rest } = await query({ by: 'team' })
  expect(rest).toMatchObject({
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-12-01T00:00:00.000Z',
    previous: null,
  })
  expect(groups).toBe(3)
  const tokens = (calls: number) => ({
    input: 100 * calls,
    cachedInput: 10 * calls,
    output: 20 * calls,
    reasoning: 5 * calls,
  })
  const team = (value: string | null) => [{ dimension: 'team', value, name: null }]
  expect(data).toMatchObject([
    {
      ...{ at: null, isOther: false, group: team('team_1'), previous: null },
      sums: {
        ...{ calls: 32, tokens: tokens(32), callsWithoutPrice: 0, refused: 0, latency: null },
        // Twice the largest safe integer, which no JSON number could say.
        costs: [
          { amount: '18014398.509481982', currency: 'EUR' },
          { amount: '0.00003', currency: 'USD' },
        ],
      },
    },
    {
      group: team('team_0'),
      sums: { calls: 30, tokens: tokens(30), costs: [{ amount: '0.00003', currency: 'USD' }] },
    },
    { group: team(null), sums: { calls: 1, tokens: tokens(1), costs: [], callsWithoutPrice: 1 } },
  ])
})

test.each(UsageDimension.options)('sums by %s add up to all calls', async (by) => {
  const { data } = await query({ by })
  expect(data.reduce((sum, group) => sum + group.sums.calls, 0)).toBe(COUNT + 3)
})

test('what is beyond the limit is one group more, and ranked by what was asked for', async () => {
  const { data, groups } = await query({ by: 'team,key', limit: 2, metric: 'cost', currency: 'EUR' })
  expect(groups).toBe(7)
  expect(data.map((it) => [it.isOther, it.group.length])).toEqual([
    [false, 2],
    [false, 2],
    [true, 0],
  ])
  expect(data.reduce((sum, group) => sum + group.sums.calls, 0)).toBe(COUNT + 3)
  expect(data[0]?.sums.costs).toEqual([{ amount: '9007199.254740991', currency: 'EUR' }])
})

test('filters hold together, and each of their values is enough', async () => {
  const calls = async (filter: object) =>
    (await query(filter)).data.reduce((sum, group) => sum + group.sums.calls, 0)
  expect(await calls({ teamId: 'team_0,team_1' })).toBe(COUNT + 2)
  expect(await calls({ teamId: 'team_0', keyId: 'key_1' })).toBe(10)
  expect(await calls({ status: '200', endpoint: 'chat-completions', outcome: 'succeeded' })).toBe(COUNT + 3)
  expect(await calls({ teamId: 'team_none' })).toBe(0)
})

test('stretches of time follow the zone asked for, and an earlier span stands beside', async () => {
  const { data } = await query({ from: '2026-10-31T22:00:00Z', bucket: 'day', zone: 'America/New_York' })
  expect(data.map((it) => [it.at, it.sums.calls])).toEqual([['2026-10-31T22:00:00.000Z', COUNT + 3]])
  const halves = await query({
    from: '2026-11-01T00:01:00Z',
    to: '2026-11-01T00:02:00Z',
    compare: 'previous_period',
  })
  expect(halves.data.map((it) => [it.sums.calls, it.previous?.calls])).toEqual([[3, 60]])
  expect(halves.previous).toEqual({ from: '2026-11-01T00:00:00.000Z', to: '2026-11-01T00:01:00.000Z' })
})

test('percentiles are told when asked for', async () => {
  const { data } = await query({ latency: 'true' })
  const { overheadMs, firstByteMs, totalMs } = data[0]?.sums.latency ?? {}
  for (const [told, truth] of [
    [overheadMs, 0.8],
    [firstByteMs, 12],
    [totalMs, 100],
  ] as const)
    for (const value of Object.values(told ?? {})) expect(Math.abs(value / truth - 1)).toBeLessThan(0.2)
})

test.each([
  [{ from: to, to: from }, '?from'],
  [{ bucket: 'minute' }, '?bucket'],
  [{ by: 'app', bucket: 'hour', limit: 1000 }, '?bucket'],
  [{ by: 'team,app,key,user' }, '?by'],
  [{ by: 'beauty' }, '?by'],
  [{ zone: 'Atlantis/Capital' }, '?zone'],
  [{ teamId: 'a b' }, '?team_id'],
])('the question %j is refused by the name of what is wrong', async (wrong, pointer) => {
  const refused = await query(wrong as never).catch((fault: unknown) => fault)
  expect(refused).toMatchObject({ status: 400 })
  expect((refused as { faults: { pointer: string }[] }).faults[0]?.pointer).toContain(pointer)
})

test('without a span the last day is meant, to the minute', async () => {
  const reply = await it.client.usage.query()
  const lengthMs = Date.parse(reply.to) - Date.parse(reply.from)
  expect(lengthMs).toBe(24 * 60 * 60 * 1000)
  expect(Date.parse(reply.to) - Date.parse(reply.asOf)).toBeLessThan(60_000)
})

test('what the comparison of sums found can be read, latest first', async () => {
  await it.db
    .insertInto('usageChecks')
    .values(
      ['2026-01-01', '2026-01-02'].map((day) => ({ ...{ day, checkedAt: from, calls: 3 }, drifts: '[]' })),
    )
    .execute()
  const first = await it.client.usage.checks({ query: { limit: 1 } })
  const cursor = first.page.nextCursor ?? ''
  const second = await it.client.usage.checks({ query: { limit: 200, cursor } })
  const days = [...first.data, ...second.data].map((check) => check.day)
  expect(days.slice(-2)).toEqual(['2026-01-02', '2026-01-01'])
  expect(second.data.at(-1)).toEqual({
    day: '2026-01-01',
    checkedAt: '2026-11-01T00:00:00.000Z',
    calls: 3,
    drifts: [],
  })
})

test('money is exact decimal text', () => {
  expect(moneyOf('0', 'USD').amount).toBe('0.00')
  expect(moneyOf('1', 'USD').amount).toBe('0.000000001')
  expect(moneyOf('1500000000', 'USD').amount).toBe('1.50')
  expect(moneyOf('123456789012345678901', 'USD').amount).toBe('123456789012.345678901')
  expect(moneyOf('-1500000001', 'USD').amount).toBe('-1.500000001')
})

test('a month by the hour is answered where nobody is told apart, whatever the limit', async () => {
  const { data } = await query({ bucket: 'hour', latency: 'true', limit: 1000 })
  expect(data.reduce((sum, it) => sum + it.sums.calls, 0)).toBe(COUNT + 3)
})
