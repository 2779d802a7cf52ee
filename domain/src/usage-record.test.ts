/** The arithmetic of cost: never guessed, never lost, rounded up once. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Price } from './price.ts'
import { costOf, noTokens, type TokenUsage } from './usage-record.ts'

const count = fc.nat(10_000_000)
const anyTokens: fc.Arbitrary<TokenUsage> = fc
  .record({ input: count, cached: count, output: count, thought: count })
  .map(({ input, cached, output, thought }) => ({
    input,
    cachedInput: Math.min(cached, input),
    output,
    reasoning: Math.min(thought, output),
  }))
const nanos = fc.nat(100_000_000_000)
const anyPrice: fc.Arbitrary<Price> = fc.tuple(nanos, nanos, nanos).map(([input, cached, output]) => ({
  id: `pri_${'0'.repeat(26)}`,
  model: 'gpt',
  currency: 'USD',
  inputNanosPerMillion: input,
  cachedInputNanosPerMillion: Math.min(cached, input),
  outputNanosPerMillion: output,
  effectiveFrom: '2026-01-01T00:00:00Z',
  createdAt: '2026-01-01T00:00:00Z',
}))
const nanosOf = (tokens: TokenUsage, price: Price) => costOf(tokens, price).costNanos ?? 0
const sumOf = (a: TokenUsage, b: TokenUsage): TokenUsage => ({
  input: a.input + b.input,
  cachedInput: a.cachedInput + b.cachedInput,
  output: a.output + b.output,
  reasoning: a.reasoning + b.reasoning,
})

describe('the cost of a call', () => {
  test('never falls when a token is added', () => {
    fc.assert(
      fc.property(anyTokens, anyTokens, anyPrice, (tokens, more, price) => {
        expect(nanosOf(sumOf(tokens, more), price)).toBeGreaterThanOrEqual(nanosOf(tokens, price))
      }),
    )
  })

  test('of two calls together is that of each, but for one nano of rounding', () => {
    fc.assert(
      fc.property(anyTokens, anyTokens, anyPrice, (a, b, price) => {
        const apart = nanosOf(a, price) + nanosOf(b, price)
        const together = nanosOf(sumOf(a, b), price)
        expect(apart - together).toBeGreaterThanOrEqual(0)
        expect(apart - together).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('is an integer, and the exact sum rounded up', () => {
    const price: Price = { ...fc.sample(anyPrice, 1)[0]!, inputNanosPerMillion: 150_000_000 }
    const cheap = { ...price, cachedInputNanosPerMillion: 75_000_000, outputNanosPerMillion: 600_000_000 }
    expect(nanosOf({ input: 1000, cachedInput: 400, output: 200, reasoning: 50 }, cheap)).toBe(
      600 * 150 + 400 * 75 + 200 * 600,
    )
    expect(nanosOf({ ...noTokens, input: 1 }, { ...cheap, inputNanosPerMillion: 1 })).toBe(1)
  })

  test('is unknown without a price, never zero; without tokens there is none', () => {
    fc.assert(
      fc.property(anyTokens, (tokens) => {
        const used = tokens.input + tokens.output > 0
        expect(costOf(tokens, null)).toMatchObject({ costNanos: null, costState: used ? 'unknown' : 'none' })
      }),
    )
    expect(costOf(noTokens, fc.sample(anyPrice, 1)[0]!)).toMatchObject({ costNanos: null, costState: 'none' })
  })

  test('names the price and currency it was made with', () => {
    const price = fc.sample(anyPrice, 1)[0]!
    expect(costOf({ ...noTokens, output: 1 }, price)).toMatchObject({ priceId: price.id, currency: 'USD' })
  })

  test('beyond what a number can hold exactly is unknown, not wrong', () => {
    const price = { ...fc.sample(anyPrice, 1)[0]!, outputNanosPerMillion: 1_000_000_000_000_000 }
    const tokens = { ...noTokens, output: Number.MAX_SAFE_INTEGER }
    expect(costOf(tokens, price)).toMatchObject({ costNanos: null, costState: 'unknown' })
  })

  test('more cached input than input is counted as input at the cached price, never below zero', () => {
    const price = {
      ...fc.sample(anyPrice, 1)[0]!,
      inputNanosPerMillion: 9_000_000,
      cachedInputNanosPerMillion: 2_000_000,
    }
    expect(nanosOf({ input: 10, cachedInput: 50, output: 0, reasoning: 0 }, price)).toBe(20)
  })
})
