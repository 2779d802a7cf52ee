/**
 * Spend is what a budget has spent, and what calls under way hold of it, in one period. Which budgets count a call
 * follows from its owners: those of its key, user, app and team, all at once. They are opened with the catalog;
 * a call finds them by its key and by when it arrived.
 */
import { type BudgetRule, type BudgetStep, blocksAtNanos } from './budget.ts'
import { amountAt, type Raise, raiseAt } from './budget-override.ts'
import type { DeniedScope } from './gateway-error.ts'
import { ownerKindOf } from './limit.ts'
import { type Period, periodAt } from './period.ts'
import type { KeyRecord } from './proxy-key.ts'
import { type Claim, UNBOUNDED } from './reservation.ts'

const MINUTE_MS = 60_000
/** Midnight comes at one of these in every zone there is. */
const QUARTER_HOUR_MS = 900_000

export type BudgetsDocument = {
  readonly budgets: readonly BudgetRule[]
  readonly teams: readonly { readonly id: string; readonly name: string }[]
  readonly apps: readonly { readonly id: string; readonly name: string }[]
}

type Stretch = { readonly fromMs: number; readonly toMs: number }

/** A budget in one of its periods, as it is in force for a stretch of it. */
export type OpenBudget = {
  /** Its amount holds what overrides add. */
  readonly rule: BudgetRule
  readonly period: Period
  /** What of the amount overrides add. */
  readonly raise: Raise
  /** How long it stays so: as long as the period, or until an override begins or ends. */
  readonly stretch: Stretch
  /** Its limit is where the budget blocks; a soft one is only summed up. */
  readonly claim: Claim
}

/** The budgets that count a call. */
export type Spend = {
  readonly budgets: readonly OpenBudget[]
  /** Their claims, and behind them those of limits. The same value for the same claims. */
  claimsWith(claims: readonly Claim[]): readonly Claim[]
}

export type Budgets = {
  /** The budgets that count a call of this key that arrived then; null where there are none. */
  of(key: KeyRecord, arrivedMs: number): Spend | null
}

type Known = Stretch & { readonly spend: Spend | null }

/** Opens the budgets of a catalog. Those of keys travel with their keys. */
export function openBudgets(document: BudgetsDocument): Budgets {
  const names = new Map([...document.teams, ...document.apps].map((it) => [it.id, it.name]))
  const byOwner = Map.groupBy(document.budgets, (it) => it.ownerId)
  const ofKeys = new WeakMap<KeyRecord, Known>()
  const opened = new Map<BudgetRule, OpenBudget>()

  function open(rule: BudgetRule, key: KeyRecord, atMs: number): OpenBudget | null {
    const before = opened.get(rule)
    if (before !== undefined && covers(before.stretch, atMs)) return before
    const name = rule.ownerId === key.id ? key.name : (names.get(rule.ownerId) ?? rule.ownerId)
    const it = openBudget(rule, name, atMs)
    // A key's own come and go with its record.
    if (it !== null && rule.ownerId !== key.id) opened.set(rule, it)
    return it
  }

  return {
    of: (key, atMs) => {
      if (byOwner.size === 0 && key.budgets.length === 0) return null
      const known = ofKeys.get(key)
      if (known !== undefined && covers(known, atMs)) return known.spend
      const owners = [key.userId, key.appId, key.teamId].filter((it) => it !== null)
      const rules = [...key.budgets, ...owners.flatMap((id) => byOwner.get(id) ?? [])]
      const found = spendOf(
        rules.map((rule) => open(rule, key, atMs)),
        atMs,
      )
      ofKeys.set(key, found)
      return found.spend
    },
  }
}

/**
 * A budget in the period of this instant, with the overrides of then; null when it has no period then.
 * @param name of its owner
 */
export function openBudget(given: BudgetRule, name: string, atMs: number): OpenBudget | null {
  const period = periodAt(given.period, given.timeZone, atMs)
  if (period === null) return null
  const raise = raiseAt(given.overrides, atMs)
  const rule = raise.nanos === 0 ? given : { ...given, amountNanos: amountAt(given, atMs) }
  const stretch = {
    fromMs: Math.max(period.fromMs, raise.fromMs),
    toMs: Math.min(period.toMs, raise.toMs),
  }
  const scope: DeniedScope = { kind: ownerKindOf(rule.ownerId), name }
  const claim: Claim = {
    ...{ bucket: `{${rule.teamId}}:${rule.id}:${period.name}`, kind: 'spend', scope, unit: 'nanos' },
    ...{ limit: blocksAtNanos(rule) ?? UNBOUNDED, windowMs: period.toMs - period.fromMs },
    ...{ quotaId: null, instead: null },
  }
  return { rule, period, raise, stretch, claim }
}

/** What holds the calls of a budget to a pace. */
export function throttleClaim(
  { rule, claim }: OpenBudget,
  { requestsPerMinute }: Extract<BudgetStep, { action: 'throttle' }>,
): Claim {
  const { scope } = claim
  return {
    ...{ bucket: `{${rule.teamId}}:${rule.id}:throttle`, kind: 'bucket', scope, unit: 'requests' },
    ...{ limit: requestsPerMinute, windowMs: MINUTE_MS, quotaId: null, instead: null },
  }
}

/** Why a document's budgets may not be published: steps that lead to models it does not know. */
export function budgetFaults(
  budgets: readonly BudgetRule[],
  models: ReadonlySet<string>,
): { kind: string; id: string; message: string }[] {
  return budgets.flatMap(({ id, name, steps }) =>
    steps
      .flatMap((step) => (step.action === 'downshift' ? [step.model, ...(step.insteadOf ?? [])] : []))
      .filter((model) => !models.has(model))
      .map((model) => ({
        ...{ kind: 'budget', id },
        message: `budget "${name}" speaks of the model "${model}", which does not exist`,
      })),
  )
}

function spendOf(opened: readonly (OpenBudget | null)[], atMs: number): Known {
  const budgets = opened.filter((it) => it !== null)
  const all = budgets.map((it) => it.stretch)
  const slot = Math.floor(atMs / QUARTER_HOUR_MS) * QUARTER_HOUR_MS
  // One that has not begun, or has ended, says nothing of when to look again.
  if (budgets.length < opened.length) all.push({ fromMs: slot, toMs: slot + QUARTER_HOUR_MS })
  return {
    fromMs: Math.max(Number.NEGATIVE_INFINITY, ...all.map((it) => it.fromMs)),
    toMs: Math.min(Number.POSITIVE_INFINITY, ...all.map((it) => it.toMs)),
    spend: budgets.length === 0 ? null : { budgets, claimsWith: joinedWith(budgets.map((it) => it.claim)) },
  }
}

function joinedWith(own: readonly Claim[]): Spend['claimsWith'] {
  const joined = new WeakMap<readonly Claim[], readonly Claim[]>()
  return (claims) => {
    const known = joined.get(claims)
    if (known !== undefined) return known
    const all = Object.freeze([...own, ...claims])
    joined.set(claims, all)
    return all
  }
}

function covers({ fromMs, toMs }: Stretch, atMs: number): boolean {
  return fromMs <= atMs && atMs < toMs
}
