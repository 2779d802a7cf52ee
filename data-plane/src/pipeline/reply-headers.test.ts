/** What a caller reads in the head of a reply. */
import type { Cost } from '@headgate/domain/cost'
import type { Claim, PoolState } from '@headgate/domain/reservation'
import { expect, test } from 'vitest'
import { addCostHeaders, addEstimateHeaders, addRateHeaders, durationText } from './reply-headers.ts'

const claim = (unit: 'requests' | 'tokens', kind: 'key' | 'team', limit: number): Claim => ({
  ...{ bucket: '', kind: 'bucket', unit, limit, windowMs: 60_000, quotaId: null, instead: null },
  scope: { kind, name: 'x' },
})

function pairs(flat: readonly string[]): Record<string, string> {
  const names = flat.filter((_, i) => i % 2 === 0)
  return Object.fromEntries(names.map((name, i) => [name, flat[2 * i + 1] as string]))
}

function rateHeaders(claims: readonly Claim[], states: readonly PoolState[]): string[] {
  const headers: string[] = []
  addRateHeaders(headers, claims, states)
  return headers
}

function costHeaders(cost: Cost): string[] {
  const headers: string[] = []
  addCostHeaders(headers, cost)
  return headers
}

function estimateHeaders(most: Pick<Cost, 'costNanos' | 'currency'>): string[] {
  const headers: string[] = []
  addEstimateHeaders(headers, most)
  return headers
}

test('without limits there are no rate headers', () => {
  expect(rateHeaders([], [])).toEqual([])
})

test('requests and tokens are told apart, in the form OpenAI clients read', () => {
  const headers = rateHeaders(
    [claim('requests', 'key', 60), claim('tokens', 'key', 4000)],
    [
      { remaining: 14, resetMs: 1000 },
      { remaining: 900, resetMs: 61_001 },
    ],
  )
  expect(pairs(headers)).toEqual({
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '14',
    'x-ratelimit-reset-requests': '1s',
    'x-ratelimit-limit-tokens': '4000',
    'x-ratelimit-remaining-tokens': '900',
    'x-ratelimit-reset-tokens': '1m2s',
    'x-headgate-limit-scope': 'key',
  })
})

test('of several limits of one unit the tightest speaks, and says whose it is', () => {
  const headers = rateHeaders(
    [claim('requests', 'key', 60), claim('requests', 'team', 600)],
    [
      { remaining: 10, resetMs: 5 },
      { remaining: 3, resetMs: 7 },
    ],
  )
  expect(pairs(headers)).toMatchObject({
    'x-ratelimit-limit-requests': '600',
    'x-ratelimit-remaining-requests': '3',
    'x-headgate-limit-scope': 'team',
  })
})

test('durations are written as OpenAI writes them, rounded up', () => {
  const written = [-1, 0, 0.2, 999.1, 1000, 1001, 59_999, 60_000, 61_000, 360_000].map(durationText)
  expect(written).toEqual(['0ms', '0ms', '1ms', '1000ms', '1s', '2s', '1m0s', '1m0s', '1m1s', '6m0s'])
})

test('a cost is written as a decimal with nine places and never as zero when it is unknown', () => {
  const cost = { costState: 'priced', currency: 'USD', priceId: 'p', agreementId: null } as const
  expect(costHeaders({ ...cost, costNanos: 1_000_000_001 })).toEqual([
    ...['x-headgate-cost', '1.000000001', 'x-headgate-cost-currency', 'USD'],
  ])
  expect(costHeaders({ ...cost, costNanos: 7 })[1]).toBe('0.000000007')
  expect(
    costHeaders({ costState: 'unknown', currency: null, priceId: null, agreementId: null, costNanos: null }),
  ).toEqual([])
})

test('a stream without a price claims no estimate, and one with a price says its most', () => {
  expect(estimateHeaders({ costNanos: null, currency: 'USD' })).toEqual([])
  expect(pairs(estimateHeaders({ costNanos: 1_500_000_001, currency: 'EUR' }))).toEqual({
    'x-headgate-cost-estimate': '1.500000001',
    'x-headgate-cost-currency': 'EUR',
  })
})
