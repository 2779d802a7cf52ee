/**
 * A budget override adds to the amount of a budget for a time, with a reason, and leaves the budget itself as it is. It
 * ends by itself: whoever judges a call asks what is added at the instant of that call, so nobody has to be told that
 * one began or ended.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { UNBOUNDED } from './reservation.ts'
import { TeamId } from './team.ts'

const BudgetOverrideId = idOf('bov')

/** That have not ended. More would make the instants at which an amount changes hard to foresee. */
export const OVERRIDES_PER_BUDGET_MAX = 20
const PERIODS_MAX = 24
const REASON_LENGTH_MAX = 500

/** Nanos of a currency; at most nine million units, the largest sum that all stores count exactly. */
export const BudgetAmount = z.int().min(1).max(UNBOUNDED)

const Instant = z.iso.datetime({ offset: true })
const Reason = z.string().trim().min(1).max(REASON_LENGTH_MAX)

export const BudgetOverride = z.object({
  id: BudgetOverrideId,
  teamId: TeamId,
  budgetId: idOf('bud'),
  /** What it adds, in nanos of the currency of the budget. */
  amountNanos: BudgetAmount,
  effectiveFrom: Instant,
  /** From here on it adds nothing any more. */
  effectiveTo: Instant,
  reason: z.string(),
  /** Whoever gave it, as audit events call them. */
  createdBy: z.string(),
  createdAt: Instant,
})
export type BudgetOverride = z.infer<typeof BudgetOverride>

export const NewBudgetOverride = z
  .strictObject({
    budgetId: BudgetOverride.shape.budgetId,
    amountNanos: BudgetAmount.meta({ description: 'What is added to the amount of the budget.' }),
    reason: Reason.meta({ description: 'Why, for those who read it later.' }),
    effectiveFrom: Instant.optional().meta({ description: 'From when on; now if it is left out.' }),
    effectiveTo: Instant.optional().meta({ description: 'Until when; in place of `periods`.' }),
    periods: z.int().min(1).max(PERIODS_MAX).optional().meta({
      description:
        'For how many periods of the budget, from the one it begins in; 1 if `effective_to` is left out too.',
    }),
  })
  .refine((it) => it.effectiveTo === undefined || it.periods === undefined, {
    path: ['periods'],
    error: 'send effective_to or periods, not both',
  })
  .refine(
    ({ effectiveFrom: from, effectiveTo: to }) =>
      from === undefined || to === undefined || Date.parse(to) > Date.parse(from),
    { path: ['effectiveTo'], error: 'not after effective_from' },
  )
export type NewBudgetOverride = z.infer<typeof NewBudgetOverride>

/** What may be changed until it has ended; what is left out stays. */
export const BudgetOverrideChange = z.strictObject({
  amountNanos: BudgetAmount.optional(),
  effectiveTo: Instant.optional(),
  reason: Reason.optional(),
})
export type BudgetOverrideChange = z.infer<typeof BudgetOverrideChange>

export const BudgetOverrideState = z.enum(['coming', 'in_force', 'ended'])
export type BudgetOverrideState = z.infer<typeof BudgetOverrideState>

/** What gateways are told of an override. */
export const BudgetRaise = BudgetOverride.pick({
  id: true,
  amountNanos: true,
  effectiveFrom: true,
  effectiveTo: true,
})
export type BudgetRaise = z.infer<typeof BudgetRaise>

/** What overrides add to a budget, and the stretch of time in which that stays so; without an end where nothing comes. */
export type Raise = { readonly nanos: number; readonly fromMs: number; readonly toMs: number }

/** What overrides add together at an instant, in nanos. */
export function raiseAt(overrides: readonly BudgetRaise[], atMs: number): Raise {
  let nanos = 0
  let fromMs = Number.NEGATIVE_INFINITY
  let toMs = Number.POSITIVE_INFINITY
  for (const { amountNanos, effectiveFrom, effectiveTo } of overrides) {
    const edges = [Date.parse(effectiveFrom), Date.parse(effectiveTo)] as const
    if (edges[0] <= atMs && atMs < edges[1]) nanos = Math.min(UNBOUNDED, nanos + amountNanos)
    for (const edge of edges) {
      if (edge <= atMs) fromMs = Math.max(fromMs, edge)
      else toMs = Math.min(toMs, edge)
    }
  }
  return { nanos, fromMs, toMs }
}

/** The amount in force at an instant, in nanos: that of the budget, and what overrides add to it. */
export function amountAt(
  { amountNanos, overrides }: { readonly amountNanos: number; readonly overrides: readonly BudgetRaise[] },
  atMs: number,
): number {
  return Math.min(UNBOUNDED, amountNanos + raiseAt(overrides, atMs).nanos)
}

/** Whether it is still to come, adds to its budget, or has ended. */
export function overrideState(
  { effectiveFrom, effectiveTo }: Pick<BudgetOverride, 'effectiveFrom' | 'effectiveTo'>,
  atMs: number,
): BudgetOverrideState {
  if (Date.parse(effectiveTo) <= atMs) return 'ended'
  return Date.parse(effectiveFrom) <= atMs ? 'in_force' : 'coming'
}
