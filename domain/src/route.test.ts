/** What may be a route. */
import { expect, test } from 'vitest'
import { NewRoute, RouteChange } from './route.ts'

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

test('a change of one part of a route leaves the others alone', () => {
  expect(RouteChange.parse({ choice: 'fastest' })).toEqual({ choice: 'fastest' })
})
