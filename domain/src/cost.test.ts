/** The arithmetic of cost: never guessed, never lost, rounded up once. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { costCeiling, costOf } from './cost.ts'
import { Price } from './price.ts'
import type { PriceLine } from './price-line.ts'
import { type RateCard, ratePeriods } from './rate-card.ts'
import { noTokens, type TokenUsage } from './usage.ts'

const count = fc.nat(10_000_000)
const anyTokens: fc.Arbitrary<TokenUsage> = fc
  .record({ input: count, cached: count, output: count, thought: count })
  .map(({ input, cached, output, thought }) => ({
    input,
    cachedInput: Math.min(cached, input),
    output,
    reasoning: Math.min(thought, output),
  }))

type Line = Pick<PriceLine, 'kind' | 'nanos'> & Partial<PriceLine>

function cardWith(lines: readonly Line[], multiplierMillionths: number | null = null): RateCard {
  const id = `pri_${'0'.repeat(26)}`
  const effective = {
    effectiveFrom: '2026-01-01T00:00:00Z',
    effectiveTo: null,
    createdAt: '2026-01-01T00:00:00Z',
  }
  const price = Price.parse({
    id,
    model: 'gpt',
    provider: null,
    currency: 'USD',
    isFree: false,
    lines,
    source: null,
    ...effective,
  })
  const place = { provider: 'openai', resourceId: 'res_1', deploymentId: 'dep_1' } as const
  const agreed = {
    id: 'agr_1',
    resourceId: 'res_1',
    deploymentId: null,
    reservedNanosPerHour: null,
    currency: null,
  }
  const agreements =
    multiplierMillionths === null ? [] : [{ ...agreed, multiplierMillionths, note: null, ...effective }]
  return ratePeriods([price], agreements, place)[0]!.card!
}
const text = (input: number, cached: number, output: number): Line[] => [
  { kind: 'input', nanos: input },
  { kind: 'cached_input', nanos: cached },
  { kind: 'output', nanos: output },
]
const nanos = fc.nat(100_000_000_000)
const anyCard = fc
  .tuple(nanos, nanos, nanos)
  .map(([input, cached, output]) => cardWith(text(input, Math.min(cached, input), output)))
const nanosOf = (tokens: TokenUsage, card: RateCard) => costOf(tokens, card).costNanos ?? 0
const sumOf = (a: TokenUsage, b: TokenUsage): TokenUsage => ({
  input: a.input + b.input,
  cachedInput: a.cachedInput + b.cachedInput,
  output: a.output + b.output,
  reasoning: a.reasoning + b.reasoning,
})

describe('the cost of a call', () => {
  test('never falls when a token is added', () => {
    fc.assert(
      fc.property(anyTokens, anyTokens, anyCard, (tokens, more, card) => {
        expect(nanosOf(sumOf(tokens, more), card)).toBeGreaterThanOrEqual(nanosOf(tokens, card))
      }),
    )
  })

  test('of two calls together is that of each, but for one nano of rounding', () => {
    fc.assert(
      fc.property(anyTokens, anyTokens, anyCard, (a, b, card) => {
        const apart = nanosOf(a, card) + nanosOf(b, card)
        const together = nanosOf(sumOf(a, b), card)
        expect(apart - together).toBeGreaterThanOrEqual(0)
        expect(apart - together).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('is an integer, and the exact sum rounded up', () => {
    const card = cardWith(text(150_000_000, 75_000_000, 600_000_000))
    expect(nanosOf({ input: 1000, cachedInput: 400, output: 200, reasoning: 50 }, card)).toBe(
      600 * 150 + 400 * 75 + 200 * 600,
    )
    expect(nanosOf({ ...noTokens, input: 1 }, cardWith(text(1, 1, 1)))).toBe(1)
  })

  test('is the same in numbers as in big integers, wherever the one gives way to the other', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000_000), fc.integer({ min: 0, max: 9_007_200_000_000 }), (input, rate) => {
        const exact = (BigInt(input) * BigInt(rate) + 999_999n) / 1_000_000n
        const cost = costOf({ ...noTokens, input }, cardWith(text(rate, 0, 0)))
        if (input === 0) expect(cost.costState).toBe('none')
        else expect(cost.costNanos).toBe(exact > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(exact))
      }),
    )
  })

  test('is unknown without a price, never zero; without usage there is none', () => {
    fc.assert(
      fc.property(anyTokens, (tokens) => {
        const used = tokens.input + tokens.output > 0
        expect(costOf(tokens, null)).toMatchObject({ costNanos: null, costState: used ? 'unknown' : 'none' })
      }),
    )
    expect(costOf(noTokens, cardWith(text(1, 1, 1)))).toMatchObject({ costNanos: null, costState: 'none' })
    expect(costOf(noTokens, null, { images: 1 })).toMatchObject({ costNanos: null, costState: 'unknown' })
  })

  test('has hosted tools by the piece, and vector pictures by the tokens of the model that drew them', () => {
    const lines = [
      ...text(1, 1, 1),
      ...[
        { kind: 'file_search', nanos: 2_500_000 } as const,
        { kind: 'code_container', nanos: 30_000_000 } as const,
      ],
      ...[
        { kind: 'svg_input', nanos: 1_000_000 } as const,
        { kind: 'svg_output', nanos: 3_000_000 } as const,
      ],
    ]
    const used = { fileSearches: 3, codeContainers: 2, svgInput: 7, svgOutput: 5 }
    expect(costOf(noTokens, cardWith(lines), used)).toMatchObject({
      ...{ costState: 'priced', costNanos: 3 * 2_500_000 + 2 * 30_000_000 + 7 + 15 },
    })
  })

  test('of what no line speaks of is unknown: sound is not priced as text, nor one tier as another', () => {
    const card = cardWith(text(1, 1, 1))
    const tokens = { ...noTokens, input: 10, output: 10 }
    expect(costOf(tokens, card).costState).toBe('priced')
    expect(costOf(tokens, card, { inputAudio: 1 }).costState).toBe('unknown')
    expect(costOf(tokens, card, { outputImage: 1 }).costState).toBe('unknown')
    for (const used of ['webSearches', 'fileSearches', 'codeContainers', 'svgInput', 'svgOutput'])
      expect(costOf(tokens, card, { [used]: 1 }).costState, used).toBe('unknown')
    for (const tier of ['flex', 'priority', 'batch', 'scale', 'ultrafast', '__proto__']) {
      expect(costOf(tokens, card, null, tier).costState, tier).toBe('unknown')
    }
    for (const tier of ['default', 'auto', 'standard', null]) {
      expect(costOf(tokens, card, null, tier).costState, String(tier)).toBe('priced')
    }
  })

  test('of a part without a line is that of its whole', () => {
    const card = cardWith([
      { kind: 'input', nanos: 5_000_000 },
      { kind: 'output', nanos: 9_000_000 },
    ])
    const tokens = { input: 100, cachedInput: 30, output: 10, reasoning: 4 }
    expect(costOf(tokens, card, { cacheWrite: 20, cacheWriteLong: 5, inputImage: 7 }).costNanos).toBe(
      100 * 5 + 10 * 9,
    )
  })

  test('names the price, the agreement and the currency it was made with', () => {
    const card = cardWith(text(1_000_000, 0, 0), 850_001)
    expect(costOf({ ...noTokens, input: 1000 }, card)).toEqual({
      ...{
        costState: 'priced',
        costNanos: 851,
        currency: 'USD',
        priceId: card.price?.id,
        agreementId: 'agr_1',
      },
    })
  })

  test('beyond what a number can hold exactly is unknown, not wrong', () => {
    const tokens = { ...noTokens, output: Number.MAX_SAFE_INTEGER }
    expect(costOf(tokens, cardWith(text(0, 0, 1_000_000_000_000_000)))).toMatchObject({
      ...{ costNanos: null, costState: 'unknown' },
    })
  })

  test('parts that are more than their whole add nothing to it', () => {
    const card = cardWith(text(9_000_000, 2_000_000, 1_000_000))
    expect(nanosOf({ input: 10, cachedInput: 50, output: 0, reasoning: 70 }, card)).toBe(20)
    const wild = fc.record({
      cacheWrite: count,
      cacheWriteLong: count,
      inputImage: count,
      cachedImage: count,
    })
    const dear = cardWith([
      ...text(5, 5, 5),
      { kind: 'input_image', nanos: 5 },
      { kind: 'cache_write', nanos: 5 },
    ])
    fc.assert(
      fc.property(anyTokens, wild, (tokens, details) => {
        const cost = costOf(tokens, dear, details).costNanos ?? 0
        expect(cost).toBe(Math.ceil(((tokens.input + tokens.output) * 5) / 1_000_000))
      }),
    )
  })
})

test('the ceiling of an estimate is never below what text of that length costs, whatever is cached or thought', () => {
  const lines = [
    ...text(3, 1, 7),
    { kind: 'cache_write', nanos: 4 },
    { kind: 'reasoning', nanos: 11 },
    { kind: 'request', nanos: 100 },
  ]
  const longer = lines.map((it) => ({ ...it, nanos: it.nanos * 2, aboveInputTokens: 5_000_000 }))
  const card = cardWith([...lines, ...longer] as Line[], 1_100_000)
  fc.assert(
    fc.property(anyTokens, count, (tokens, written) => {
      const cost = costOf(tokens, card, { cacheWrite: written }).costNanos ?? 0
      expect(costCeiling(card, tokens)).toBeGreaterThanOrEqual(cost)
    }),
  )
  expect(costCeiling(null, { input: 1, output: 1 })).toBeNull()
  expect(costCeiling(card, { input: 1, output: 1 }, 'flex')).toBeNull()
})
