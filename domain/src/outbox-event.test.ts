/** What people are told, in one sentence. */
import { expect, test } from 'vitest'
import { type BudgetNews, type RotationNews, sentenceOf } from './outbox-event.ts'

const data: BudgetNews = {
  ...{ budgetEventId: 'bev_1', budgetId: 'bud_1', budgetName: 'Month', teamId: 'team_1', ownerId: 'team_1' },
  ...{ ownerName: 'Payments', currency: 'EUR', atPercent: 80, spentNanos: 800_000_000_001 },
  ...{ amountNanos: 1_000_000_000_000, forecastNanos: null },
  ...{ periodFrom: '2026-11-01T00:00:00.000Z', periodTo: '2026-12-01T00:00:00.000Z' },
}
const place = { id: 'evt_1', at: '2026-11-20T00:00:00.000Z' }
const period = 'in its period from 2026-11-01T00:00:00.000Z to 2026-12-01T00:00:00.000Z'

test('the sentence says whose budget it is, how much is spent, and what is foreseen', () => {
  expect(sentenceOf({ ...place, type: 'budget.reached', data })).toBe(
    `Budget "Month" of "Payments" has reached 80 percent: 800.01 EUR of 1000.00 EUR are spent ${period}.`,
  )
  expect(
    sentenceOf({ ...place, type: 'budget.forecast', data: { ...data, forecastNanos: 1_263_000_000_000 } }),
  ).toBe(
    `Budget "Month" of "Payments" will be overrun if it goes on like this: 800.01 EUR of 1000.00 EUR are spent ${period}, and 1263.00 EUR are foreseen at its end.`,
  )
})

test('of a key it says which secret is meant, by when it is to be replaced, and whether it stops working', () => {
  const key: RotationNews = {
    ...{ keyId: 'key_1', keyName: 'production', lastFour: '4fJ2', teamId: 'team_1', appId: 'app_1' },
    ...{ appName: 'checkout', dueAt: '2026-11-20T00:00:00Z', overdueAt: '2026-12-04T00:00:00Z' },
    secretExpiresAt: null,
  }
  const said = (type: 'key-rotation.due' | 'key-rotation.overdue', secretExpiresAt: string | null) =>
    sentenceOf({ ...place, type, data: { ...key, secretExpiresAt } })
  const which = 'The secret of key "production" of app "checkout" that ends in 4fJ2'
  expect(said('key-rotation.due', null)).toBe(`${which} is to be replaced by 2026-12-04T00:00:00Z.`)
  expect(said('key-rotation.due', key.overdueAt)).toBe(
    `${which} is to be replaced by 2026-12-04T00:00:00Z. It stops working at 2026-12-04T00:00:00Z.`,
  )
  expect(said('key-rotation.overdue', null)).toBe(
    `${which} was to be replaced by 2026-12-04T00:00:00Z and was not.`,
  )
  expect(said('key-rotation.overdue', key.overdueAt)).toBe(
    `${which} was to be replaced by 2026-12-04T00:00:00Z and was not. It stopped working at 2026-12-04T00:00:00Z.`,
  )
})

test('of a sink it says how far it is behind, and why as far as that is known', () => {
  const data = { sinkId: 'snk_1', sinkName: 'cosmos', target: 'https://a.example/b/c', lagSeconds: 1_259 }
  const said = (lastError: string | null) =>
    sentenceOf({ ...place, type: 'sink.lagging', data: { ...data, lastError } })
  expect(said(null)).toBe('Sink "cosmos" is 20 minutes behind what is stored.')
  expect(said('it is away')).toBe(
    'Sink "cosmos" is 20 minutes behind what is stored. What went wrong last: it is away.',
  )
})
