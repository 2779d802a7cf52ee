/** Shares in exact arithmetic, and what a new limit must say. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { figureOf, millionths, NewLimit, shareOf } from './limit.ts'

const ULID = '0'.repeat(26)
const limit = { ownerId: `team_${ULID}`, measure: 'tokens_per_minute' as const }

test('a share is exact: 29 of 100 is 29, however a machine writes 0.29', () => {
  expect(shareOf(0.29, 100)).toBe(29)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.nat(1_000_000_000_000), (parts, parent) => {
      const exact = (BigInt(parts) * BigInt(parent)) / 1_000_000n
      const expected = parent === 0 ? 0 : Math.max(1, Number(exact))
      expect(shareOf(parts / 1_000_000, parent)).toBe(expected)
      expect(millionths(parts / 1_000_000)).toBe(parts)
    }),
  )
})

test('a share is never rounded to nothing, and nothing shared is nothing', () => {
  expect(shareOf(0.000001, 5)).toBe(1)
  expect(shareOf(0.5, 0)).toBe(0)
})

test('half of the resource, sixty percent of that, a tenth of that', () => {
  const team = figureOf({ amount: null, share: 0.5 }, 240_000)
  const app = figureOf({ amount: null, share: 0.6 }, team)
  expect([team, app, figureOf({ amount: null, share: 0.1 }, app)]).toEqual([120_000, 72_000, 7_200])
})

test('a share of something that is not there denies', () => {
  expect(figureOf({ amount: null, share: 0.5 }, null)).toBe(0)
})

test.each([
  ['neither amount nor share', {}],
  ['both', { amount: 5, share: 0.5, parentId: `quo_${ULID}` }],
  ['a share of nothing', { share: 0.5 }],
  ['a guarantee of nothing', { amount: 5, guarantee: 0.5 }],
  ['borrowing from nothing', { amount: 5, borrows: true }],
  ['a share of zero', { share: 0, parentId: `quo_${ULID}` }],
  ['a share above the whole', { share: 1.5, parentId: `quo_${ULID}` }],
  ['a negative amount', { amount: -1 }],
  ['half a token', { amount: 0.5 }],
  ['a field nobody knows', { amount: 5, burst: 3 }],
])('a limit with %s is refused', (_, fields) => {
  expect(NewLimit.safeParse({ ...limit, ...fields }).success).toBe(false)
})

test('zero is an amount: it denies, and says so', () => {
  expect(NewLimit.parse({ ...limit, amount: 0 }).amount).toBe(0)
})
