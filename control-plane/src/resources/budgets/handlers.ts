/** What the admin API does with budgets. A new one counts what was spent since its period began, from its first call on. */
import type { budgets } from '@headgate/admin-contract/budgets'
import type { Handlers } from '@headgate/admin-contract/operation'
import {
  BUDGETS_PER_OWNER_MAX,
  type Budget,
  type BudgetChange,
  type BudgetStep,
  type NewBudget,
} from '@headgate/domain/budget'
import { periodAt } from '@headgate/domain/period'
import { sql } from 'kysely'
import { addSpend, lockSpendToCount } from '../../database/budget-spend.ts'
import { listRows } from '../../database/list-rows.ts'
import { readOwner } from '../../database/owner.ts'
import { fieldFault, found, type HandlerContext, refuseForOwnTeam } from '../context.ts'
import { listingOf, type ThingTable, thingHandlers } from '../things.ts'
import { readLive } from './live.ts'
import {
  budgetColumns,
  countBudgetsOf,
  endBudget,
  listEvents,
  lockBudget,
  sumRecords,
  unknownModels,
} from './queries.ts'
import { noteNow, refuseEnded, toldOfBudget } from './told.ts'

const plan: ThingTable<Budget> = {
  table: 'budgets',
  prefix: 'bud',
  columns: budgetColumns,
  json: ['period', 'steps'],
  check: async ({ ownerId, steps }, context, before) => {
    if (before !== null) refuseEnded(before)
    refuseForOwnTeam(context, before?.ownerId ?? ownerId ?? '')
    await refuseUnknownModels(steps ?? [], context)
  },
}
/** With what follows from the owner, and what nobody sends. */
type Whole = NewBudget & Pick<Budget, 'teamId' | 'archivedAt'>
const things = thingHandlers<Budget, Whole, BudgetChange>(plan)

export const budgetsHandlers: Handlers<typeof budgets, HandlerContext> = {
  ...things,
  list: ({ query: { archived, ...query } }, { db }) => {
    const where = archived === 'true' ? [] : [sql<boolean>`archived_at is null`]
    return listRows<Budget>(db, { ...listingOf(plan), where }, query)
  },
  live: ({ query }, context) => readLive(query, context),
  events: ({ query }, { db }) => listEvents(db, query),
  create: async ({ body }, context) => {
    const { db } = context
    refuseForOwnTeam(context, body.ownerId)
    const owner = await readOwner(db, body.ownerId)
    if (owner === undefined) {
      throw fieldFault('/owner_id', {
        ...{ code: 'unknown_reference', message: 'there is no team, app, user or key with this id' },
        fix: 'Send the id of one that exists.',
      })
    }
    await lockSpendToCount(db)
    if ((await countBudgetsOf(db, body.ownerId)) >= BUDGETS_PER_OWNER_MAX) {
      throw fieldFault('/owner_id', {
        ...{
          code: 'too_many',
          message: `this owner has ${BUDGETS_PER_OWNER_MAX} budgets, which is the most`,
        },
        fix: 'End one of them first, or change it.',
      })
    }
    const whole = { ...body, teamId: owner.teamId, archivedAt: null }
    const change = await things.create({ body: whole }, context)
    await countPast(change.reply, context)
    return toldOfBudget(context, change.reply, change)
  },
  change: async (call, context) => {
    const change = await things.change(call, context)
    if (change.changed) await noteNow(change.reply, context)
    return toldOfBudget(context, change.reply, change)
  },
  remove: async ({ params }, context) => {
    const before = found(await lockBudget(context.db, params.budgetId))
    refuseForOwnTeam(context, before.ownerId)
    if (before.archivedAt !== null) return { changed: false, reply: before }
    const after = await endBudget(context.db, before.id, context.now)
    const change = { changed: true, reply: after, subjectId: after.id, before, after } as const
    return toldOfBudget(context, after, change)
  },
}

/** Counts the records that are there; those that come count themselves. */
async function countPast(budget: Budget, { db, nowMs }: HandlerContext): Promise<void> {
  const period = periodAt(budget.period, budget.timeZone, nowMs)
  if (period === null) return
  const { nanos, unpriced } = await sumRecords(db, budget, period)
  if (nanos > 0 || unpriced > 0) await addSpend(db, [{ budget, period, nanos, unpriced }], nowMs)
}

/** @throws AdminProblem that names the first model which does not exist */
async function refuseUnknownModels(steps: readonly BudgetStep[], { db }: HandlerContext): Promise<void> {
  for (const [i, step] of steps.entries()) {
    if (step.action !== 'downshift') continue
    const [missing] = await unknownModels(db, [step.model, ...(step.insteadOf ?? [])])
    if (missing === undefined) continue
    const at = step.insteadOf?.indexOf(missing) ?? -1
    throw fieldFault(missing === step.model ? `/steps/${i}/model` : `/steps/${i}/instead_of/${at}`, {
      ...{ code: 'unknown_reference', message: `there is no model alias "${missing}"` },
      fix: 'Send the name of a model alias that exists.',
    })
  }
}
