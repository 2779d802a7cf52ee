/** Budgets: which step is reached when, what blocks, and which steps make no sense. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blocksAtNanos, isWarning, NewBudget, partOf, percentsReached, stepAt, worseOf } from './budget.ts'
import { UNBOUNDED } from './reservation.ts'

const block = { action: 'block', atPercent: 100 } as const
const slow = { action: 'throttle', atPercent: 90, requestsPerMinute: 30 } as const
const slower = { action: 'throttle', atPercent: 95, requestsPerMinute: 3 } as const
const budget = { amountNanos: 1_000, steps: [slow, slower, block] }

test('the last step of a kind that is reached holds, from its part of the amount on', () => {
  expect([0, 899, 900, 949, 950, 5_000].map((it) => stepAt(budget, 'throttle', it))).toEqual([
    ...[null, null, slow, slow, slower, slower],
  ])
  expect(stepAt(budget, 'block', 999)).toBeNull()
  expect(stepAt(budget, 'block', 1_000)).toEqual(block)
})

test('people are told at 80 and 100 percent and at every step, each part once', () => {
  expect(percentsReached({ amountNanos: 1_000, steps: [] }, 999)).toEqual([80])
  expect(percentsReached(budget, 1_000)).toEqual([80, 90, 95, 100])
  expect(percentsReached(budget, 799)).toEqual([])
  expect([799, 800].map((it) => isWarning(budget, it))).toEqual([false, true])
})

test('a budget blocks where its step says, and one without such a step never does', () => {
  expect(blocksAtNanos({ amountNanos: 1_000, steps: [slow] })).toBeNull()
  expect(blocksAtNanos(budget)).toBe(1_000)
  expect(blocksAtNanos({ amountNanos: 999, steps: [{ ...block, atPercent: 50 }] })).toBe(499)
  const huge = { amountNanos: UNBOUNDED, steps: [{ ...block, atPercent: 300 }] }
  expect(blocksAtNanos(huge)).toBe(UNBOUNDED - 1)
})

test('a part is whole nanos, never more than the share of it, and all of it at 100 percent', () => {
  const amounts = fc.integer({ min: 1, max: UNBOUNDED })
  fc.assert(
    fc.property(amounts, fc.integer({ min: 1, max: 100 }), (amount, percent) => {
      const part = BigInt(partOf(amount, percent))
      expect(part * 100n <= BigInt(amount) * BigInt(percent)).toBe(true)
      expect((part + 1n) * 100n > BigInt(amount) * BigInt(percent)).toBe(true)
      expect(partOf(amount, 100)).toBe(amount)
    }),
  )
})

test('steps are put in order, and two of the same or two that block are refused', () => {
  const whole = {
    ...{ ownerId: 'team_01ARZ3NDEKTSV4RRFFQ69G5FAV', name: 'Month', currency: 'USD', amountNanos: 1 },
    period: { kind: 'month' },
  }
  const parse = (steps: unknown[]) => NewBudget.safeParse({ ...whole, steps })
  expect(parse([block, slower, slow]).data).toMatchObject({ steps: [slow, slower, block], timeZone: 'UTC' })
  expect(parse([block, { ...block, atPercent: 120 }]).success).toBe(false)
  expect(parse([slow, slow]).success).toBe(false)
  expect(parse([{ action: 'throttle', atPercent: 80 }]).success).toBe(false)
  expect(parse([{ action: 'downshift', atPercent: 80, model: 'small' }]).data?.steps[0]).toMatchObject({
    insteadOf: null,
  })
  for (const amountNanos of [0, -1, 0.5, UNBOUNDED + 1])
    expect(NewBudget.safeParse({ ...whole, amountNanos }).success).toBe(false)
})

test('of two states the worse one is told', () => {
  expect([worseOf('ok', 'warning'), worseOf('exhausted', 'unpriced'), worseOf('ok', 'ok')]).toEqual([
    ...['warning', 'exhausted', 'ok'],
  ])
})

test('the table of the guide is true, row by row', () => {
  const guide = readFileSync(new URL('../../docs/guides/budgets.md', import.meta.url), 'utf8')
  const [, table = ''] = guide.split('| Spent | Told of, in percent |')
  const rows = table.split('\n\n')[0]?.split('\n').slice(2) ?? []
  expect(rows).toHaveLength(6)
  const dollar = 1_000_000_000
  const month: Parameters<typeof stepAt>[0] = {
    amountNanos: 1_000 * dollar,
    steps: [
      { action: 'alert', atPercent: 50 },
      { action: 'downshift', atPercent: 80, model: 'demo-chat', insteadOf: ['demo-chat-large'] },
      { action: 'throttle', atPercent: 90, requestsPerMinute: 60 },
      block,
    ],
  }
  for (const row of rows) {
    const [spent, told, servedBy, pace, answer] = row
      .split('|')
      .slice(1)
      .map((cell) => cell.trim())
    const nanos = Math.round(Number(spent) * 100) * (dollar / 100)
    const throttle = stepAt(month, 'throttle', nanos)
    const isRefused = nanos + 1 > (blocksAtNanos(month) ?? 0)
    expect([
      percentsReached(month, nanos).join(', '),
      stepAt(month, 'downshift', nanos)?.model ?? 'demo-chat-large',
      throttle === null ? 'free' : `${throttle.requestsPerMinute} a minute`,
      isRefused ? 'refused' : 'served',
    ]).toEqual([told, servedBy, pace, answer])
  }
})
