/**
 * What budgets have spent by what is recorded: one sum for each budget and period, moved in the transaction in
 * which the records arrive, and the events of the parts it reaches, each once. Whoever makes a budget keeps
 * records from arriving meanwhile, so that each is counted by one of the two.
 */
import { type Budget, percentsReached } from '@headgate/domain/budget'
import { amountAt } from '@headgate/domain/budget-override'
import type { Period } from '@headgate/domain/period'
import { UNBOUNDED } from '@headgate/domain/reservation'
import { sql } from 'kysely'
import { noteBudgetEvents } from './budget-events.ts'
import { readRaises } from './budget-overrides.ts'
import type { Database } from './open.ts'

/** One budget in one period, and what is to be added. */
export type Spent = {
  readonly budget: Pick<Budget, 'id' | 'amountNanos' | 'steps'>
  readonly period: Period
  readonly nanos: number
  /** Calls that cost nobody knows how much. */
  readonly unpriced: number
}

/** Lets records arrive beside others, until the transaction ends; waits for whoever makes a budget. */
export async function lockSpendToAdd(db: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(7405, 1)`.execute(db)
}

/** Keeps records from arriving until the transaction ends. */
export async function lockSpendToCount(db: Database): Promise<void> {
  await sql`select pg_advisory_xact_lock(7405, 1)`.execute(db)
}

/** Adds to the sums, and notes which parts of the amounts they reach. In one order, so that nobody waits in a circle. */
export async function addSpend(db: Database, spent: readonly Spent[], nowMs: number): Promise<void> {
  if (spent.length === 0) return
  const sorted = spent.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
  const sums = await db
    .insertInto('budgetSpend')
    .values(
      sorted.map(({ budget, period, nanos, unpriced }) => ({
        ...{ budgetId: budget.id, periodFrom: iso(period.fromMs), periodTo: iso(period.toMs) },
        ...{ spentNanos: nanos, unpricedCalls: unpriced },
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['budgetId', 'periodFrom']).doUpdateSet({
        // A sum beyond what can be counted exactly is far beyond its budget, and stays there.
        spentNanos: sql`least(${UNBOUNDED}::bigint, budget_spend.spent_nanos + excluded.spent_nanos)`,
        unpricedCalls: sql`budget_spend.unpriced_calls + excluded.unpriced_calls`,
      }),
    )
    .returning(['budgetId', 'periodFrom', 'spentNanos'])
    .execute()
  await noteReachedBy(db, summedUp(sorted, sums), nowMs)
}

/** Moves the sums by what calls of the past cost more or less than was recorded. */
export async function correctSpend(db: Database, spent: readonly Spent[], nowMs: number): Promise<void> {
  if (spent.length === 0) return
  const zero = spent.map((it) => ({ ...it, nanos: 0, unpriced: 0 }))
  // Makes the rows that are missing, and takes all of them in the one order.
  await addSpend(db, zero, nowMs)
  const column = <T>(of: (it: Spent) => T) => spent.map(of)
  const { rows: sums } = await sql<Sum>`
    update budget_spend set
      spent_nanos = greatest(0, least(${UNBOUNDED}::bigint, spent_nanos + nanos)),
      unpriced_calls = greatest(0, unpriced_calls + unpriced)
    from unnest(${column((it) => it.budget.id)}::text[], ${column((it) => iso(it.period.fromMs))}::timestamptz[],
      ${column((it) => it.nanos)}::int8[], ${column((it) => it.unpriced)}::int8[]) as added (id, since, nanos, unpriced)
    where budget_id = id and period_from = since returning budget_id, period_from, spent_nanos`.execute(db)
  await noteReachedBy(db, summedUp(spent, sums), nowMs)
}

/** Notes the parts that a changed amount makes reached. */
export async function noteReached(
  db: Database,
  { budget, period }: Pick<Spent, 'budget' | 'period'>,
  nowMs: number,
): Promise<void> {
  await addSpend(db, [{ budget, period, nanos: 0, unpriced: 0 }], nowMs)
}

type Sum = { readonly budgetId: string; readonly periodFrom: string; readonly spentNanos: number }

function summedUp(spent: readonly Spent[], sums: readonly Sum[]): Summed[] {
  const sumOf = new Map(sums.map((it) => [`${it.budgetId} ${Date.parse(it.periodFrom)}`, it.spentNanos]))
  return spent.map(({ budget, period }) => {
    const spentNanos = sumOf.get(`${budget.id} ${period.fromMs}`) ?? 0
    return { budget, period, spentNanos }
  })
}

/** A budget in one period, and the sum of it. */
export type Summed = Pick<Spent, 'budget' | 'period'> & { readonly spentNanos: number }

/**
 * Notes which parts of the amounts in force these sums reach. A period that is over is judged by the amount it ended
 * with: its late records are no reason to tell people that what was allowed then was too much.
 */
export async function noteReachedBy(db: Database, summed: readonly Summed[], nowMs: number): Promise<void> {
  // Overrides only add, so what reaches no part of a budget's own amount reaches none.
  const some = summed.filter((it) => percentsReached(it.budget, it.spentNanos).length > 0)
  if (some.length === 0) return
  const ids = [...new Set(some.map((it) => it.budget.id))]
  const firstMs = Math.min(...some.map((it) => it.period.fromMs))
  const raises = await readRaises(db, ids, iso(firstMs))
  const reached = some.flatMap(({ budget, period, spentNanos }) => {
    const atMs = Math.min(Math.max(nowMs, period.fromMs), period.toMs - 1)
    const { id: budgetId, steps } = budget
    const overrides = raises.get(budgetId) ?? []
    const amountNanos = amountAt({ amountNanos: budget.amountNanos, overrides }, atMs)
    return percentsReached({ amountNanos, steps }, spentNanos).map((atPercent) => ({
      ...{ budgetId, period, atPercent, spentNanos, amountNanos, forecastNanos: null },
    }))
  })
  await noteBudgetEvents(db, reached, nowMs)
}

function placeOf({ budget, period }: Spent): string {
  return `${budget.id} ${iso(period.fromMs)}`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
