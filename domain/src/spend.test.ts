/** Which budgets count a call: those of all its owners, in the period it arrived in, and none that is not its own. */
import { expect, test } from 'vitest'
import type { BudgetRule } from './budget.ts'
import { idSource } from './id.ts'
import { type LimitOwnerKind, ownerKindOf } from './limit.ts'
import { KeyRecord } from './proxy-key.ts'
import { UNBOUNDED } from './reservation.ts'
import { budgetFaults, openBudgets } from './spend.ts'

const newId = idSource()
const id = (prefix: Parameters<typeof newId>[0]) => newId(prefix, 0)
/** A kind of owner that is not here does not compile, and one that is here must be counted. */
const owners: Readonly<Record<LimitOwnerKind, string>> = {
  team: id('team'),
  app: id('app'),
  user: id('usr'),
  key: id('key'),
}

function rule(ownerId: string, changes: Partial<BudgetRule> = {}): BudgetRule {
  return {
    ...{ id: id('bud'), teamId: owners.team, ownerId, name: 'Month', currency: 'USD', amountNanos: 1_000 },
    ...{
      period: { kind: 'month' },
      timeZone: 'UTC',
      steps: [{ action: 'block', atPercent: 100 }],
      overrides: [],
      ...changes,
    },
  }
}

function key(budgets: BudgetRule[] = []): KeyRecord {
  return KeyRecord.parse({
    ...{ id: owners.key, name: 'nightly', teamId: owners.team, appId: owners.app, userId: owners.user },
    ...{ state: 'active', allowedModels: null, requestsPerMinute: null, tokensPerMinute: null },
    ...{ digest: '0'.repeat(64), expiresAtMs: null, budgets },
  })
}

function open(budgets: readonly BudgetRule[]) {
  const teams = [{ id: owners.team, name: 'Payments' }]
  return openBudgets({ budgets, teams, apps: [{ id: owners.app, name: 'checkout' }] })
}

const november = Date.parse('2026-11-24T12:00:00Z')
const december = Date.parse('2026-12-01T00:00:00Z')

test('every kind of owner that can have a budget is in one and the same reservation', () => {
  const { key: keyId, ...others } = owners
  const spend = open(Object.values(others).map((it) => rule(it))).of(key([rule(keyId)]), november)
  const counted = spend?.budgets.map((it) => ownerKindOf(it.rule.ownerId))
  expect(counted?.toSorted()).toEqual(Object.keys(owners).toSorted())
  const claims = spend?.claimsWith([])
  expect(claims?.map((it) => it.scope.kind)).toEqual(['key', 'user', 'app', 'team'])
  expect(claims?.map((it) => it.scope.name)).toEqual(['nightly', owners.user, 'checkout', 'Payments'])
  expect(new Set(claims?.map((it) => it.bucket.slice(0, it.bucket.indexOf('}') + 1)))).toEqual(
    new Set([`{${owners.team}}`]),
  )
})

test('where there is no budget of the call’s own, nothing is asked', () => {
  expect(open([]).of(key(), november)).toBeNull()
  expect(open([rule(id('app'))]).of(key(), november)).toBeNull()
})

test('a call counts in the period it arrived in, also when later ones came before', () => {
  const budgets = open([rule(owners.app)])
  const record = key()
  const nameAt = (ms: number) => budgets.of(record, ms)?.budgets[0]?.period.name
  expect([november, december, december - 1, november, december].map(nameAt)).toEqual([
    ...['2026-11-01', '2026-12-01', '2026-11-01', '2026-11-01', '2026-12-01'],
  ])
})

test('the claims of a period are made once, and are the same value for the same limits', () => {
  const budgets = open([rule(owners.app)])
  const record = key()
  const limits: [] = []
  const first = budgets.of(record, november)
  expect(budgets.of(record, november + 1)).toBe(first)
  expect(first?.claimsWith(limits)).toBe(first?.claimsWith(limits))
})

test('a budget of one stretch counts from its first instant to its last', () => {
  const once = rule(owners.app, { period: { kind: 'span', from: '2026-12-01', to: '2026-12-01' } })
  const budgets = open([once])
  const record = key()
  const counts = (ms: number) => budgets.of(record, ms) !== null
  const [begin, end] = [december, december + 86_400_000]
  expect([begin - 1, begin, end - 1, end, end + 1].map(counts)).toEqual([false, true, true, false, false])
})

test('a soft budget is summed up without a bound, a hard one up to where it blocks', () => {
  const limitOf = (steps: BudgetRule['steps']) =>
    open([rule(owners.app, { steps })]).of(key(), november)?.budgets[0]?.claim.limit
  expect(limitOf([])).toBe(UNBOUNDED)
  expect(limitOf([{ action: 'block', atPercent: 150 }])).toBe(1_500)
})

test('an override raises where a budget blocks and ends by itself, in the same pool and on the same catalog', () => {
  const at = (minutes: number) => november + minutes * 60_000
  const override = {
    ...{ id: id('bov'), amountNanos: 500 },
    ...{ effectiveFrom: new Date(at(10)).toISOString(), effectiveTo: new Date(at(20)).toISOString() },
  }
  const budgets = open([rule(owners.app, { overrides: [override] })])
  const record = key()
  const openAt = (ms: number) => budgets.of(record, ms)?.budgets[0]
  const instants = [at(0), at(10) - 1, at(10), at(20) - 1, at(20), at(15), at(0)]
  expect(instants.map((ms) => openAt(ms)?.claim.limit)).toEqual([
    1_000, 1_000, 1_500, 1_500, 1_000, 1_500, 1_000,
  ])
  expect(instants.map((ms) => openAt(ms)?.rule.amountNanos)).toEqual(
    instants.map((ms) => openAt(ms)?.claim.limit),
  )
  expect(new Set(instants.map((ms) => openAt(ms)?.claim.bucket)).size).toBe(1)
  expect(openAt(at(15))?.raise).toEqual({ nanos: 500, fromMs: at(10), toMs: at(20) })
  expect(budgets.of(record, at(19))).toBe(budgets.of(record, at(11)))
})

test('an override lasts over the end of a period and adds to the next one too, until its own end', () => {
  const override = {
    ...{ id: id('bov'), amountNanos: 500 },
    ...{ effectiveFrom: new Date(november).toISOString(), effectiveTo: '2026-12-10T00:00:00.000Z' },
  }
  const budgets = open([rule(owners.app, { overrides: [override] })])
  const record = key()
  const seen = [november, december - 1, december, Date.parse('2026-12-10T00:00:00Z')].map((ms) => {
    const it = budgets.of(record, ms)?.budgets[0]
    return [it?.period.name, it?.claim.limit]
  })
  expect(seen).toEqual([
    ['2026-11-01', 1_500],
    ['2026-11-01', 1_500],
    ['2026-12-01', 1_500],
    ['2026-12-01', 1_000],
  ])
})

test('a step that leads to a model nobody knows is a fault that names budget and model', () => {
  const step = { action: 'downshift', atPercent: 80, model: 'small', insteadOf: ['big'] } as const
  const faults = budgetFaults(
    [rule(owners.app, { steps: [{ ...step, insteadOf: ['big'] }] })],
    new Set(['big']),
  )
  expect(faults.map((it) => it.message)).toEqual([
    'budget "Month" speaks of the model "small", which does not exist',
  ])
})
