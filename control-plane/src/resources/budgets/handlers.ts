/** What the admin API does with budgets. A new one counts what was spent since its period began, from its first call on. */
import type { budgets } from '@headgate/admin-contract/budgets'
import type { Change, Handlers } from '@headgate/admin-contract/operation'
import { BUDGETS_PER_OWNER_MAX, Budget, type BudgetStep } from '@headgate/domain/budget'
import { periodAt } from '@headgate/domain/period'
import { addSpend, lockSpendToCount, noteReached } from '../../database/budget-spend.ts'
import { markKeyUnpublished, readOwner } from '../../database/owner.ts'
import { created, fieldFault, found, type HandlerContext, refuseForOwnTeam } from '../context.ts'
import { readLive } from './live.ts'
import {
  countBudgetsOf,
  insertBudget,
  listBudgets,
  listEvents,
  lockBudget,
  readBudget,
  sumRecords,
  unknownModels,
  updateBudget,
} from './queries.ts'

export const budgetsHandlers: Handlers<typeof budgets, HandlerContext> = {
  list: ({ query }, { db }) => listBudgets(db, query),
  live: ({ query }, context) => readLive(query, context),
  events: ({ query }, { db }) => listEvents(db, query),
  read: async ({ params }, { db }) => found(await readBudget(db, params.budgetId)),
  create: async ({ body }, context) => {
    const { db, newId, now } = context
    refuseForOwnTeam(context, body.ownerId)
    const owner = await readOwner(db, body.ownerId)
    if (owner === undefined) {
      throw fieldFault('/owner_id', {
        ...{ code: 'unknown_reference', message: 'there is no team, app, user or key with this id' },
        fix: 'Send the id of one that exists.',
      })
    }
    await refuseUnknownModels(body.steps, context)
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
    const place = { id: newId('bud'), teamId: owner.teamId, createdAt: now, archivedAt: null }
    const budget = await insertBudget(db, { ...body, ...place })
    await countPast(budget, context)
    return told(context, created(budget))
  },
  change: async ({ params, body }, context) => {
    const before = running(await lockBudget(context.db, params.budgetId))
    refuseForOwnTeam(context, before.ownerId)
    await refuseUnknownModels(body.steps ?? [], context)
    const { name = before.name, amountNanos = before.amountNanos, steps = before.steps } = body
    const wanted = { ...before, name, amountNanos, steps }
    if (sameText(wanted) === sameText(before)) return { changed: false, reply: before }
    const after = await updateBudget(context.db, wanted)
    const period = periodAt(after.period, after.timeZone, context.nowMs)
    if (period !== null) await noteReached(context.db, { budget: after, period }, context.nowMs)
    return told(context, { changed: true, reply: after, subjectId: after.id, before, after })
  },
  archive: async ({ params }, context) => {
    const before = found(await lockBudget(context.db, params.budgetId))
    refuseForOwnTeam(context, before.ownerId)
    if (before.archivedAt !== null) return { changed: false, reply: before }
    const after = await updateBudget(context.db, { ...before, archivedAt: context.now })
    return told(context, { changed: true, reply: after, subjectId: after.id, before, after })
  },
}

/** The same text for the same budget: Postgres keeps the fields of steps in an order of its own. */
function sameText(budget: Budget): string {
  return JSON.stringify(Budget.parse(budget))
}

/** A key carries its own budgets, so the gateways must hear of the key. */
async function told(context: HandlerContext, change: Change<Budget>): Promise<Change<Budget>> {
  const { ownerId } = change.reply
  if (ownerId.startsWith('key_')) {
    await markKeyUnpublished(context.db, ownerId)
    context.keyChanged(ownerId)
  }
  return change
}

/** Counts the records that are there; those that come count themselves. */
async function countPast(budget: Budget, { db, nowMs }: HandlerContext): Promise<void> {
  const period = periodAt(budget.period, budget.timeZone, nowMs)
  if (period === null) return
  const { nanos, unpriced } = await sumRecords(db, budget, period)
  if (nanos > 0 || unpriced > 0) await addSpend(db, [{ budget, period, nanos, unpriced }], nowMs)
}

/** @throws AdminProblem for one that is not there, or was ended */
function running(budget: Budget | undefined): Budget {
  const it = found(budget)
  if (it.archivedAt === null) return it
  throw fieldFault('/archived_at', {
    ...{ code: 'archived', message: `this budget was ended at ${it.archivedAt}` },
    fix: 'Create a new one.',
  })
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
