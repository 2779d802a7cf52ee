/**
 * Tells people of what an amount reaches because an override of it has ended. Gateways judge by the instant and need
 * nobody; but nothing moves the sum of a budget that refuses its calls, so nothing else would notice.
 */
import type { Clock } from '@headgate/domain/ports'
import { sql } from 'kysely'
import { noteReachedBy } from '../database/budget-spend.ts'
import type { Database } from '../database/open.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 15_000
const LOCK = 11

export type EndedPlan = { readonly db: Database; readonly clock: Pick<Clock, 'nowMs'> }

/** The job. */
export function noteEndedOverrides(plan: EndedPlan): Job {
  return { name: 'note-ended-overrides', everyMs: EVERY_MS, lock: LOCK, run: () => noteEndedOnce(plan) }
}

/** Looks at the periods of now in which an override has ended. What was told before is not told again. */
export async function noteEndedOnce({ db, clock }: EndedPlan): Promise<void> {
  const nowMs = clock.nowMs()
  const rows = await readLowered(db, new Date(nowMs).toISOString())
  const summed = rows.map(({ id, amountNanos, steps, periodFrom, periodTo, spentNanos }) => ({
    budget: { id, amountNanos, steps },
    period: {
      ...{ name: periodFrom.slice(0, 10), fromMs: Date.parse(periodFrom), toMs: Date.parse(periodTo) },
    },
    spentNanos,
  }))
  await db.transaction().execute((transaction) => noteReachedBy(transaction, summed, nowMs))
}

/** Overrides are given by people, so there are few of these. */
function readLowered(db: Database, now: string) {
  return db
    .selectFrom('budgetSpend')
    .innerJoin('budgets', 'budgets.id', 'budgetSpend.budgetId')
    .select(['budgets.id', 'amountNanos', 'steps', 'periodFrom', 'periodTo', 'spentNanos'])
    .where('periodFrom', '<=', now)
    .where('periodTo', '>', now)
    .where('archivedAt', 'is', null)
    .where(
      sql<boolean>`exists (select from budget_overrides as raise where raise.budget_id = budgets.id
        and raise.effective_to <= ${now}::timestamptz and raise.effective_to > period_from)`,
    )
    .orderBy('budgets.id')
    .execute()
}
