/** Which price and which agreement hold at an instant, at a place. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Agreement } from './agreement.ts'
import { priceOf } from './catalog.ts'
import { costOf } from './cost.ts'
import type { Price } from './price.ts'
import { ratePeriods } from './rate-card.ts'
import { noTokens } from './usage.ts'

const place = { provider: 'azure', resourceId: 'res_1', deploymentId: 'dep_1' } as const
const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()
const ms = (day: number) => Date.UTC(2026, 0, day)

function price(id: string, from: number, more: Partial<Price> = {}): Price {
  const lines = [{ kind: 'input', nanos: 1, serviceTier: 'standard', aboveInputTokens: 0 }] as const
  return {
    ...{ id, model: 'gpt', provider: null, currency: 'USD', isFree: false, lines: [...lines] },
    ...{ effectiveFrom: at(from), effectiveTo: null, source: null, createdAt: at(1), ...more },
  }
}

function agreement(id: string, from: number, more: Partial<Agreement> = {}): Agreement {
  return {
    ...{
      id,
      resourceId: 'res_1',
      deploymentId: null,
      multiplierMillionths: 900_000,
      reservedNanosPerHour: null,
    },
    ...{ currency: null, effectiveFrom: at(from), effectiveTo: null, note: null, createdAt: at(1), ...more },
  }
}

const held = (prices: Price[], agreements: Agreement[], day: number) => {
  const card = priceOf({ rates: ratePeriods(prices, agreements, place) }, ms(day))
  return card && [card.price?.id ?? null, card.agreement?.id ?? null]
}

describe('what holds at an instant', () => {
  test('is the price that began last and has not ended; with none the cost is unknown', () => {
    const prices = [
      price('a', 2, { effectiveTo: at(4) }),
      price('b', 6),
      price('c', 8, { effectiveTo: at(9) }),
    ]
    const days = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((day) => held(prices, [], day)?.[0] ?? null)
    expect(days).toEqual([null, 'a', 'a', null, null, 'b', 'b', 'c', 'b', 'b'])
  })

  test('is that of the provider before that of any, and never that of another', () => {
    const prices = [price('any', 2), price('azure', 3, { provider: 'azure', effectiveTo: at(5) })]
    const other = price('openai', 1, { provider: 'openai' })
    expect([1, 2, 3, 4, 5].map((day) => held([...prices, other], [], day)?.[0] ?? null)).toEqual([
      ...[null, 'any', 'azure', 'azure', 'any'],
    ])
  })

  test('is what was agreed for the deployment before what was agreed for its resource', () => {
    const agreements = [
      agreement('res', 2),
      agreement('dep', 3, { resourceId: null, deploymentId: 'dep_1', effectiveTo: at(5) }),
      agreement('other', 1, { resourceId: 'res_2' }),
    ]
    expect([1, 2, 3, 4, 5].map((day) => held([price('p', 1)], agreements, day)?.[1] ?? null)).toEqual([
      ...[null, 'res', 'dep', 'dep', 'res'],
    ])
  })

  test('is the same as asking every price and agreement, whatever the dates', () => {
    const span = fc.record({
      from: fc.integer({ min: 1, max: 20 }),
      days: fc.option(fc.integer({ min: 1, max: 9 })),
    })
    fc.assert(
      fc.property(fc.array(span, { maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (spans, day) => {
        const prices = spans.map(({ from, days }, i) =>
          price(`p${i}`, from, { effectiveTo: days === null ? null : at(from + days) }),
        )
        const open = spans
          .map((it, i) => ({ ...it, id: `p${i}` }))
          .filter(({ from, days }) => from <= day && (days === null || day < from + days))
          .sort((a, b) => b.from - a.from || (a.id < b.id ? 1 : -1))
        expect(held(prices, [], day)?.[0] ?? null).toBe(open[0]?.id ?? null)
      }),
    )
  })
})

test('reserved capacity makes a call free on purpose, priced or not, and says what was agreed', () => {
  const reserved = { multiplierMillionths: null, reservedNanosPerHour: 2_000_000_000, currency: 'EUR' }
  for (const prices of [[], [price('p', 1)]]) {
    const card = priceOf({ rates: ratePeriods(prices, [agreement('ptu', 1, reserved)], place) }, ms(2))
    expect(costOf({ ...noTokens, input: 5 }, card)).toMatchObject({
      ...{ costNanos: 0, costState: 'free', agreementId: 'ptu' },
    })
    expect(card?.agreement?.reservedNanosPerHour).toBe(2_000_000_000)
  }
  const free = priceOf({ rates: ratePeriods([price('f', 1, { isFree: true, lines: [] })], [], place) }, ms(2))
  expect(costOf({ ...noTokens, input: 5 }, free)).toMatchObject({
    costNanos: 0,
    costState: 'free',
    currency: 'USD',
  })
})
