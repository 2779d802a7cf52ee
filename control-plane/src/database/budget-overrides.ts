/** The SQL of what overrides add to budgets, for whoever judges or publishes budgets. */
import type { BudgetRaise } from '@headgate/domain/budget-override'
import { UNBOUNDED } from '@headgate/domain/reservation'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from './open.ts'

/** The overrides of these budgets that end after an instant, by budget; in the order of their ids. */
export async function readRaises(
  db: Database,
  budgetIds: readonly string[],
  endAfter: string | RawBuilder<string>,
): Promise<ReadonlyMap<string, BudgetRaise[]>> {
  if (budgetIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('budgetOverrides')
    .select(['id', 'budgetId', 'amountNanos', 'effectiveFrom', 'effectiveTo'])
    // One parameter, however many budgets a catalog has.
    .where(sql<boolean>`budget_id = any(${budgetIds}::text[])`)
    .where('effectiveTo', '>', endAfter)
    .orderBy('id')
    .execute()
  const byBudget = Map.groupBy(rows, (it) => it.budgetId)
  return new Map(
    [...byBudget].map(([budgetId, some]) => [budgetId, some.map(({ budgetId: _, ...raise }) => raise)]),
  )
}

/** Budgets as gateways are told of them: with the overrides that have not ended. Those that have say nothing any more. */
export async function withRaises<T extends { readonly id: string }>(
  db: Database,
  budgets: readonly T[],
): Promise<(T & { overrides: BudgetRaise[] })[]> {
  const ids = budgets.map((it) => it.id)
  const raises = await readRaises(db, ids, sql<string>`clock_timestamp()`)
  return budgets.map((it) => ({ ...it, overrides: raises.get(it.id) ?? [] }))
}

/** The amount of a row of `budgets` with what overrides add at an instant; `amountAt` of the domain says the same. */
export function amountInForce(at: string): RawBuilder<number> {
  return sql<number>`least(${UNBOUNDED}::bigint, budgets.amount_nanos + coalesce((
    select sum(raise.amount_nanos) from budget_overrides as raise where raise.budget_id = budgets.id
      and raise.effective_from <= ${at}::timestamptz and raise.effective_to > ${at}::timestamptz), 0))::bigint`
}
