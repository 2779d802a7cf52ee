/**
 * A budget is money that an owner (team, app, user or key) may spend in a period. Nothing happens before it is
 * spent but that people are told, at 80 and at 100 percent; what else happens, and from which part on, is said in
 * steps: alert, throttle, downshift, block. A budget that blocks is hard: what is held and spent never passes it.
 */
import { z } from 'zod'
import { BudgetAmount, BudgetRaise } from './budget-override.ts'
import { idOf } from './id.ts'
import { LimitOwnerId } from './limit.ts'
import { DisplayName, MachineName } from './name.ts'
import { PeriodRule, TimeZone } from './period.ts'
import { Currency } from './price.ts'
import { UNBOUNDED } from './reservation.ts'
import { TeamId } from './team.ts'

export const BudgetId = idOf('bud')
export const BudgetEventId = idOf('bev')

const STEPS_MAX = 10
/** More for one owner would make each of its calls dearer than they are worth. */
export const BUDGETS_PER_OWNER_MAX = 8
/** Told of whatever steps there are. */
const TOLD_AT_PERCENT = [80, 100] as const

const AtPercent = z.int().min(1).max(1000)

/** What happens from a part of the amount on. */
const BudgetStep = z.discriminatedUnion('action', [
  /** People are told once more. */
  z.strictObject({ action: z.literal('alert'), atPercent: AtPercent }),
  /** Calls are let through at this pace, all that the budget counts together. */
  z.strictObject({
    action: z.literal('throttle'),
    atPercent: AtPercent,
    requestsPerMinute: z.int().min(1).max(1_000_000),
  }),
  /** Another model serves: in place of those named, or of every other one. */
  z.strictObject({
    action: z.literal('downshift'),
    atPercent: AtPercent,
    model: MachineName,
    insteadOf: z.array(MachineName).min(1).max(100).nullable().default(null),
  }),
  /** Calls are refused. */
  z.strictObject({ action: z.literal('block'), atPercent: AtPercent }),
])
export type BudgetStep = z.infer<typeof BudgetStep>

const Steps = z
  .array(BudgetStep)
  .max(STEPS_MAX)
  .refine((steps) => steps.filter((it) => it.action === 'block').length <= 1, { error: 'block at most once' })
  .refine((steps) => new Set(steps.map(placeOf)).size === steps.length, {
    error: 'the same action twice at one part of the amount',
  })
  .transform((steps) => steps.toSorted((a, b) => a.atPercent - b.atPercent))

export const Budget = z.object({
  id: BudgetId,
  /** The team the owner belongs to, or is. */
  teamId: TeamId,
  ownerId: LimitOwnerId,
  name: DisplayName,
  /** Only what is priced in it counts. */
  currency: Currency,
  amountNanos: BudgetAmount,
  period: PeriodRule,
  /** Where its periods begin at midnight. */
  timeZone: TimeZone,
  steps: z.array(BudgetStep),
  createdAt: z.iso.datetime({ offset: true }),
  /** When it was ended; it is kept with its history and counts no more. */
  archivedAt: z.iso.datetime({ offset: true }).nullable(),
})
export type Budget = z.infer<typeof Budget>

/** What gateways are told of a budget: itself, and the overrides that have not ended. */
export const BudgetRule = Budget.omit({ createdAt: true, archivedAt: true }).extend({
  overrides: z.array(BudgetRaise).default([]),
})
export type BudgetRule = z.infer<typeof BudgetRule>

export const NewBudget = z.strictObject({
  ownerId: LimitOwnerId,
  name: DisplayName,
  currency: Currency,
  amountNanos: BudgetAmount,
  period: PeriodRule,
  timeZone: TimeZone.default('UTC'),
  steps: Steps.default([]),
})
export type NewBudget = z.infer<typeof NewBudget>

/** What may be changed; what is left out stays. Another owner, currency or period is another budget. */
export const BudgetChange = z.strictObject({
  name: DisplayName.optional(),
  amountNanos: BudgetAmount.optional(),
  steps: Steps.optional(),
})
export type BudgetChange = z.infer<typeof BudgetChange>

/** How things stand with a budget, or with the worst of several, from good to bad, as callers are told. */
export const BudgetState = z.enum([
  'ok',
  /** 80 percent are spent or held. */
  'warning',
  /** What was spent is being counted anew. */
  'unknown',
  /** The call has no price in the currency of the budget, so it does not count. */
  'unpriced',
  'downshifted',
  'throttled',
  'exhausted',
])
export type BudgetState = z.infer<typeof BudgetState>

/** The worse of two states. */
export function worseOf(a: BudgetState, b: BudgetState): BudgetState {
  const { options } = BudgetState
  return options.indexOf(a) < options.indexOf(b) ? b : a
}

/** A part of an amount in nanos, rounded down. */
export function partOf(amountNanos: number, percent: number): number {
  return Number((BigInt(amountNanos) * BigInt(percent)) / 100n)
}

/** Where it blocks, in nanos; null for a soft budget. */
export function blocksAtNanos({ amountNanos, steps }: Pick<Budget, 'amountNanos' | 'steps'>): number | null {
  const block = steps.find((it) => it.action === 'block')
  if (block === undefined) return null
  return Math.min(UNBOUNDED - 1, partOf(amountNanos, block.atPercent))
}

/** The last step of a kind that so much spent has reached; null when none. */
export function stepAt<A extends BudgetStep['action']>(
  { amountNanos, steps }: Pick<Budget, 'amountNanos' | 'steps'>,
  action: A,
  spentNanos: number,
): Extract<BudgetStep, { action: A }> | null {
  const isReached = (it: BudgetStep): it is Extract<BudgetStep, { action: A }> =>
    it.action === action && spentNanos >= partOf(amountNanos, it.atPercent)
  return steps.findLast(isReached) ?? null
}

/** The parts of the amount that people are told of, in percent, that so much spent has reached. */
export function percentsReached(
  { amountNanos, steps }: Pick<Budget, 'amountNanos' | 'steps'>,
  spentNanos: number,
): number[] {
  const percents = new Set<number>([...TOLD_AT_PERCENT, ...steps.map((it) => it.atPercent)])
  return [...percents].filter((it) => spentNanos >= partOf(amountNanos, it)).sort((a, b) => a - b)
}

/** True from the first part on at which people are told. */
export function isWarning({ amountNanos }: Pick<Budget, 'amountNanos'>, spentNanos: number): boolean {
  return spentNanos >= partOf(amountNanos, TOLD_AT_PERCENT[0])
}

/** How things stand with a budget of which so much is spent or held. */
export function budgetStateAt(budget: Pick<Budget, 'amountNanos' | 'steps'>, usedNanos: number): BudgetState {
  const blocksAt = blocksAtNanos(budget)
  if (blocksAt !== null && usedNanos >= blocksAt) return 'exhausted'
  if (stepAt(budget, 'throttle', usedNanos) !== null) return 'throttled'
  if (stepAt(budget, 'downshift', usedNanos) !== null) return 'downshifted'
  return isWarning(budget, usedNanos) ? 'warning' : 'ok'
}

function placeOf({ action, atPercent }: BudgetStep): string {
  return `${action} ${atPercent}`
}
