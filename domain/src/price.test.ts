/** What a new price must say, and what it may leave away. */
import { expect, test } from 'vitest'
import { NewPrice } from './price.ts'

const given = { model: 'gpt', currency: 'EUR', effectiveFrom: '2026-01-01T00:00:00Z' }
const nanos = { inputNanosPerMillion: 7, outputNanosPerMillion: 9 }

test('cached input costs as much as input unless something else is said', () => {
  expect(NewPrice.parse({ ...given, ...nanos }).cachedInputNanosPerMillion).toBe(7)
  expect(
    NewPrice.parse({ ...given, ...nanos, cachedInputNanosPerMillion: 0 }).cachedInputNanosPerMillion,
  ).toBe(0)
})

test.each([{ currency: 'euro' }, { inputNanosPerMillion: -1 }, { inputNanosPerMillion: 0.5 }, { model: '' }])(
  'a price with %j is refused',
  (fault) => {
    expect(NewPrice.safeParse({ ...given, ...nanos, ...fault }).success).toBe(false)
  },
)
