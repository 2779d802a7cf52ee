/** What a call costs, from the bytes of its answer to the nano, against a bill that was made independently. */
import { shippedPrices } from '@headgate/control-plane/resources/prices/shipped-list'
import { EventStream } from '@headgate/data-plane/endpoints/event-stream'
import { usageOfReply } from '@headgate/data-plane/endpoints/usage'
import type { Agreement } from '@headgate/domain/agreement'
import { costOf } from '@headgate/domain/cost'
import { ratePeriods } from '@headgate/domain/rate-card'
import type { Usage } from '@headgate/domain/usage'
import { expect, test } from 'vitest'
import type { Fixture } from './answers.ts'
import { exactBill } from './exact-bill.ts'
import { fixtures } from './fixtures.ts'

const list = shippedPrices()
const dated = { effectiveFrom: '2026-01-01T00:00:00Z', effectiveTo: null, createdAt: '2026-01-01T00:00:00Z' }

function listedFor({ provider, model }: Fixture) {
  const price = list.prices.find((it) => it.provider === provider && it.model === model)
  if (price === undefined) throw new Error(`the shipped list has no ${model} of ${provider}`)
  return price
}

function cardFor(it: Fixture) {
  const place = { provider: it.provider, resourceId: 'res_1', deploymentId: 'dep_1' }
  const price = { ...listedFor(it), ...dated, id: 'pri_1' }
  const agreement: Agreement = {
    ...{ id: 'agr_1', resourceId: 'res_1', deploymentId: null, reservedNanosPerHour: null, currency: null },
    ...{ multiplierMillionths: it.multiplierMillionths, note: null, ...dated },
  }
  return (
    ratePeriods([price], it.multiplierMillionths === 1_000_000 ? [] : [agreement], place)[0]?.card ?? null
  )
}

/** What the data plane learns of an answer, with a stream cut into pieces of such a length. */
function usageOf({ answer }: Fixture, pieceLength: number): Usage | null {
  if (!Array.isArray(answer)) {
    return usageOfReply(Buffer.from(JSON.stringify(answer)), ['service_tier', 'tool_usage'])
  }
  const events = new EventStream(false, [])
  const bytes = Buffer.from(answer.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))
  for (let at = 0; at < bytes.length; at += pieceLength) events.push(bytes.subarray(at, at + pieceLength))
  events.flush()
  return events.usage
}

test('there are fixtures enough, of both forms', () => {
  const streams = fixtures.filter((it) => Array.isArray(it.answer)).length
  expect(fixtures.length).toBeGreaterThanOrEqual(60)
  expect(streams).toBeGreaterThanOrEqual(25)
})

test.each(fixtures.map((it) => [it.name, it] as const))('costs what was worked out by hand: %s', (_, it) => {
  const expected = exactBill(listedFor(it), it)
  for (const pieceLength of Array.isArray(it.answer) ? [1, 7, 100_000] : [0]) {
    const usage = usageOf(it, pieceLength)
    expect(usage).not.toBeNull()
    const cost = costOf(usage!.tokens, cardFor(it), usage!.details, usage!.serviceTier)
    expect(cost).toMatchObject({ costState: 'priced', currency: 'USD' })
    expect(BigInt(cost.costNanos!)).toBe(expected)
  }
})

test('a model that is free on purpose costs zero, and says so', () => {
  const free: Fixture = { ...fixtures[0]!, model: 'omni-moderation-latest' }
  const usage = usageOf(free, 1)!
  expect(costOf(usage.tokens, cardFor(free))).toMatchObject({ costNanos: 0, costState: 'free' })
})

test('what the price has no line for is unknown: a tier it does not name, sound of a model without sound', () => {
  const [plain] = fixtures as [Fixture]
  const { tokens } = usageOf(plain, 1)!
  expect(costOf(tokens, cardFor(plain), null, 'flex').costState).toBe('unknown')
  expect(costOf(tokens, cardFor(plain), { inputAudio: 1 }).costState).toBe('unknown')
})

test('every price of the shipped list can be opened, and none of its lines is lost', () => {
  for (const price of list.prices) {
    const card = cardFor({ ...fixtures[0]!, provider: price.provider!, model: price.model })
    for (const { kind, nanos, serviceTier, aboveInputTokens } of price.lines) {
      const band = card?.bands.get(serviceTier)?.find((it) => it.aboveInputTokens === aboveInputTokens)
      expect(band?.rates[kind], `${price.model} ${kind}`).toBe(nanos)
    }
  }
})
