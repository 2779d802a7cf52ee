/** Sharing out what reserved capacity cost. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reservedCost, sharesOf } from './allocation.ts'

const use = fc.record({
  tokens: fc.nat(1_000_000),
  calls: fc.nat(9),
  teamId: fc.option(fc.string({ maxLength: 4 })),
})

test('the shares add up to the total to the nano, each within one nano of its exact part', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 18n), fc.array(use, { minLength: 1, maxLength: 20 }), (total, uses) => {
      const shares = sharesOf(total, uses)
      const tokens = uses.reduce((sum, it) => sum + BigInt(it.tokens), 0n)
      if (tokens === 0n) {
        expect(shares).toEqual([])
        return
      }
      expect(shares.reduce((sum, it) => sum + BigInt(it.nanos), 0n)).toBe(total)
      for (const share of shares) {
        const off = BigInt(share.nanos) * tokens - total * BigInt(share.tokens)
        expect(off > -tokens && off < tokens).toBe(true)
      }
    }),
  )
})

test('who used twice as much pays twice as much, and who used nothing pays nothing', () => {
  const uses = [
    { teamId: 'a', calls: 1, tokens: 10 },
    { teamId: 'b', calls: 1, tokens: 20 },
    { teamId: null, calls: 3, tokens: 0 },
  ]
  expect(sharesOf(300n, uses).map((it) => [it.teamId, it.nanos])).toEqual([
    ['b', '200'],
    ['a', '100'],
    [null, '0'],
  ])
})

test('an hour costs its price, a part of it its part rounded up, and no time nothing', () => {
  expect(reservedCost(7, 3_600_000)).toBe(7n)
  expect(reservedCost(7, 1)).toBe(1n)
  expect(reservedCost(7, 0)).toBe(0n)
  expect(reservedCost(1_000_000_000_000_000, 31 * 24 * 3_600_000)).toBe(744_000_000_000_000_000n)
})
