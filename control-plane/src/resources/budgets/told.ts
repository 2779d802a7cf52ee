/** What every write to a budget has in common: one that was ended stays so, and gateways and people are told. */
import type { Change } from '@headgate/admin-contract/operation'
import type { Budget } from '@headgate/domain/budget'
import { periodAt } from '@headgate/domain/period'
import { noteReached } from '../../database/budget-spend.ts'
import { markKeyUnpublished } from '../../database/owner.ts'
import { fieldFault, type HandlerContext } from '../context.ts'

/** @throws AdminProblem for a budget that was ended */
export function refuseEnded({ archivedAt }: Budget): void {
  if (archivedAt === null) return
  throw fieldFault('/archived_at', {
    ...{ code: 'archived', message: `this budget was ended at ${archivedAt}` },
    fix: 'Create a new one.',
  })
}

/** Notes the parts that what is spent reaches now that the amount is another. */
export async function noteNow(budget: Budget, { db, nowMs }: HandlerContext): Promise<void> {
  const period = periodAt(budget.period, budget.timeZone, nowMs)
  if (period !== null) await noteReached(db, { budget, period }, nowMs)
}

/** A key carries its own budgets, so the gateways must hear of the key. */
export async function toldOfBudget<T>(
  context: HandlerContext,
  { ownerId }: Pick<Budget, 'ownerId'>,
  change: Change<T>,
): Promise<Change<T>> {
  if (change.changed && ownerId.startsWith('key_')) {
    await markKeyUnpublished(context.db, ownerId)
    context.keyChanged(ownerId)
  }
  return change
}
