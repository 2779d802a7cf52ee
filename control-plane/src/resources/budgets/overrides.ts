/**
 * What the admin API does with overrides of budgets. Giving one changes nothing of the budget: gateways are told of it
 * with the budget and judge by the instant, so that none has to be ended.
 */
import type { budgetOverrides } from '@headgate/admin-contract/budgets'
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Budget } from '@headgate/domain/budget'
import {
  type BudgetOverride,
  type BudgetOverrideChange,
  type NewBudgetOverride,
  OVERRIDES_PER_BUDGET_MAX,
  overrideState,
} from '@headgate/domain/budget-override'
import { endOfPeriods } from '@headgate/domain/period'
import { listRows } from '../../database/list-rows.ts'
import { fieldFault, type HandlerContext, refuseForOwnTeam, refuseThePast } from '../context.ts'
import { listingOf, type ThingTable, thingHandlers } from '../things.ts'
import { countOverridesOf, lockBudget, overridesThatAre } from './queries.ts'
import { noteNow, refuseEnded, toldOfBudget } from './told.ts'

const plan: ThingTable<BudgetOverride> = {
  table: 'budgetOverrides',
  prefix: 'bov',
  check: (fields, context, before) => {
    if (before === null) return
    refuseOver(before, context)
    const to = fields.effectiveTo ?? before.effectiveTo
    if (Date.parse(to) < Date.parse(before.effectiveFrom)) throw endsBeforeItBegins(before)
  },
}
/** With its budget's team, its span, and whoever gives it. */
type Whole = Omit<BudgetOverride, 'id' | 'createdAt'>
const things = thingHandlers<BudgetOverride, Whole, BudgetOverrideChange>(plan)

export const budgetOverridesHandlers: Handlers<typeof budgetOverrides, HandlerContext> = {
  ...things,
  list: ({ query: { state, ...query } }, { db, now }) => {
    const where = state === undefined ? [] : [overridesThatAre(state, now)]
    return listRows<BudgetOverride>(db, { ...listingOf(plan), where }, query)
  },
  create: async ({ body }, context) => {
    const budget = await budgetOf(body.budgetId, context)
    refuseEnded(budget)
    await refuseTooMany(budget, context)
    const { budgetId, amountNanos, reason } = body
    const said = { budgetId, teamId: budget.teamId, amountNanos, reason, createdBy: context.actor }
    const change = await things.create({ body: { ...said, ...spanOf(body, budget, context) } }, context)
    return toldOfBudget(context, budget, change)
  },
  change: async ({ params, body }, context) => {
    const { budgetId } = await things.read({ params }, context)
    const budget = await budgetOf(budgetId, context)
    const { effectiveTo } = body
    refuseThePast('/effective_to', effectiveTo, context)
    const instant = effectiveTo === undefined ? {} : { effectiveTo: new Date(effectiveTo).toISOString() }
    const change = await things.change({ params, body: { ...body, ...instant } }, context)
    return change.changed ? settled(budget, change, context) : change
  },
  remove: async ({ params }, context) => {
    const before = await things.read({ params }, context)
    const budget = await budgetOf(before.budgetId, context)
    const state = overrideState(before, context.nowMs)
    if (state === 'ended') return { changed: false, reply: before }
    const change =
      state === 'coming'
        ? await things.remove({ params }, context)
        : await things.change({ params, body: { effectiveTo: context.now } }, context)
    return settled(budget, change, context)
  },
}

type Settled = Awaited<ReturnType<typeof things.change>>

/** Tells of a budget whose amount is another now. */
async function settled(budget: Budget, change: Settled, context: HandlerContext): Promise<Settled> {
  if (budget.archivedAt === null) await noteNow(budget, context)
  return toldOfBudget(context, budget, change)
}

/** Locked until the transaction ends. @throws AdminProblem for one that whoever asks may not see, or not raise */
async function budgetOf(budgetId: string, context: HandlerContext): Promise<Budget> {
  const budget = await lockBudget(context.db, budgetId)
  if (budget === undefined) {
    throw fieldFault('/budget_id', {
      ...{ code: 'unknown_reference', message: 'there is no budget with this id' },
      fix: 'Send the id of one that exists.',
    })
  }
  refuseForOwnTeam(context, budget.ownerId)
  return budget
}

/** From when to when it adds to the budget. @throws AdminProblem for a span that has passed, or that has no period */
function spanOf(
  { effectiveFrom, effectiveTo, periods = 1 }: NewBudgetOverride,
  budget: Budget,
  context: HandlerContext,
): Pick<BudgetOverride, 'effectiveFrom' | 'effectiveTo'> {
  refuseThePast('/effective_from', effectiveFrom, context)
  refuseThePast('/effective_to', effectiveTo, context)
  const fromMs = effectiveFrom === undefined ? context.nowMs : Date.parse(effectiveFrom)
  const toMs = effectiveTo === undefined ? endOfPeriods(budget, fromMs, periods) : Date.parse(effectiveTo)
  if (toMs === null) {
    const has = `this budget has no ${periods === 1 ? 'period' : `${periods} periods`} from ${new Date(fromMs).toISOString()} on`
    throw fieldFault('/periods', {
      ...{ code: 'no_period', message: has },
      fix: 'Send effective_to, fewer periods, or an effective_from within its periods.',
    })
  }
  return { effectiveFrom: new Date(fromMs).toISOString(), effectiveTo: new Date(toMs).toISOString() }
}

async function refuseTooMany({ id }: Budget, { db, now }: HandlerContext): Promise<void> {
  if ((await countOverridesOf(db, id, now)) < OVERRIDES_PER_BUDGET_MAX) return
  throw fieldFault('/budget_id', {
    ...{
      code: 'too_many',
      message: `this budget has ${OVERRIDES_PER_BUDGET_MAX} overrides that have not ended, which is the most`,
    },
    fix: 'Change one of them, or take one back first.',
  })
}

function refuseOver(it: BudgetOverride, { nowMs }: HandlerContext): void {
  if (overrideState(it, nowMs) !== 'ended') return
  const message = `this override ended at ${it.effectiveTo}`
  throw new AdminProblem('conflict', `Nothing was changed: ${message}.`, {
    faults: [{ pointer: '', code: 'ended', message, fix: 'Give the budget another one.' }],
  })
}

function endsBeforeItBegins({ effectiveFrom }: BudgetOverride): AdminProblem {
  return fieldFault('/effective_to', {
    ...{ code: 'invalid_value', message: `not after effective_from, which is ${effectiveFrom}` },
    fix: 'Send a later instant, or remove the override, which is still to come.',
  })
}
