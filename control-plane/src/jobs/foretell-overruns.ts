/** Tells once a period that a budget will be overrun if it goes on as it has. In one process at a time. */
import { overrunNanos, type Period } from '@headgate/domain/period'
import type { Clock } from '@headgate/domain/ports'
import { sql } from 'kysely'
import { noteBudgetEvents } from '../database/budget-events.ts'
import { amountInForce } from '../database/budget-overrides.ts'
import type { Database } from '../database/open.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 30_000
const LOCK = 9
/** More are told of in the next run. */
const COUNT_MAX = 1_000
/** A forecast is of the whole amount. */
const WHOLE_PERCENT = 100

export type ForetellPlan = { readonly db: Database; readonly clock: Pick<Clock, 'nowMs'> }

/** The job. */
export function foretellOverruns(plan: ForetellPlan): Job {
  return { name: 'foretell-overruns', everyMs: EVERY_MS, lock: LOCK, run: () => foretellOnce(plan) }
}

/** Looks at the periods of now. */
export async function foretellOnce({ db, clock }: ForetellPlan): Promise<void> {
  const nowMs = clock.nowMs()
  const candidates = await readCandidates(db, new Date(nowMs).toISOString())
  const foretold = candidates.flatMap(({ periodFrom, periodTo, ...it }) => {
    const period: Period = {
      ...{ name: periodFrom.slice(0, 10), fromMs: Date.parse(periodFrom), toMs: Date.parse(periodTo) },
    }
    const forecastNanos = overrunNanos(it, period, nowMs)
    return forecastNanos === null ? [] : [{ ...it, period, forecastNanos, atPercent: WHOLE_PERCENT }]
  })
  await db.transaction().execute((transaction) => noteBudgetEvents(transaction, foretold, nowMs))
}

/** Budgets of which a forecast may be told: the rule itself is the domain's, this keeps all others out. */
function readCandidates(db: Database, now: string) {
  return db
    .selectFrom('budgetSpend')
    .innerJoin('budgets', 'budgets.id', 'budgetSpend.budgetId')
    .select(['budgetId', 'periodFrom', 'periodTo', 'spentNanos', amountInForce(now).as('amountNanos')])
    .where('periodFrom', '<=', now)
    .where('periodTo', '>', now)
    .where('archivedAt', 'is', null)
    .where(sql<boolean>`spent_nanos < ${amountInForce(now)}`)
    .where(
      sql<boolean>`spent_nanos * extract(epoch from period_to - period_from)
        > ${amountInForce(now)} * extract(epoch from ${now}::timestamptz - period_from)`,
    )
    .where(sql<boolean>`${now}::timestamptz - period_from >= 0.1 * (period_to - period_from)`)
    .where(
      sql<boolean>`not exists (select from budget_events as told where told.budget_id = budgets.id
        and told.period_from = budget_spend.period_from and told.kind = 'forecast')`,
    )
    .orderBy('budgetId')
    .limit(COUNT_MAX)
    .execute()
}
