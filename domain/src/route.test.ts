/** The order in which the targets of a tier are tried. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NewRoute, orderTier } from './route.ts'

const anyTier = fc.array(fc.record({ id: fc.uuid(), weight: fc.integer({ min: 1, max: 1000 }) }), {
  maxLength: 12,
})
const anyRandom = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
  minLength: 12,
  maxLength: 12,
})

test('every target stands in the order exactly once, whatever chance says', () => {
  fc.assert(
    fc.property(anyTier, anyRandom, (tier, numbers) => {
      let at = 0
      const ordered = orderTier(tier, () => numbers[at++] ?? 0)
      expect(ordered).toHaveLength(tier.length)
      expect(new Set(ordered)).toEqual(new Set(tier))
    }),
  )
})

test('the first place is shared in the proportion of the weights', () => {
  const tier = [
    { id: 'a', weight: 1 },
    { id: 'b', weight: 3 },
    { id: 'c', weight: 6 },
  ]
  const firsts = new Map<string, number>()
  const steps = 10_000
  for (let i = 0; i < steps; i++) {
    const first = orderTier(tier, () => (i + 0.5) / steps)[0]!.id
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  expect(Object.fromEntries(firsts)).toEqual({ a: 1_000, b: 3_000, c: 6_000 })
})

test('a route names a deployment at most once, in all its tiers', () => {
  const [aliasId, one, two] = [`ali_${'0'.repeat(26)}`, `dep_${'1'.repeat(26)}`, `dep_${'2'.repeat(26)}`]
  const route = (...tiers: string[][]) =>
    NewRoute.safeParse({
      aliasId,
      tiers: tiers.map((tier) => tier.map((deploymentId) => ({ deploymentId }))),
    })
  expect(route([one], [two]).success).toBe(true)
  expect(route([one], [one]).success).toBe(false)
  expect(route([]).success).toBe(false)
  expect(route().success).toBe(false)
})
