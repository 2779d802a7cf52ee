/**
 * What costs add to the budgets of those who caused them: of records as they are stored, and of what a re-rating adds to
 * calls of the past. Each belongs to the period in which its call arrived, whenever it comes.
 */
import type { Budget } from '@headgate/domain/budget'
import { type Period, periodAt } from '@headgate/domain/period'
import { UNBOUNDED } from '@headgate/domain/reservation'
import type { Spent } from './budget-spend.ts'
import type { Database } from './open.ts'
import { usageColumnOf } from './owner.ts'

/** What is added to the cost of one call. */
export type AddedCost = {
  readonly [Column in (typeof usageColumnOf)[keyof typeof usageColumnOf]]: string | null
} & {
  /** When the call arrived. */
  readonly startedAt: string
  /** Null where the cost is unknown. */
  readonly currency: string | null
  /** May be negative where a call is rated anew. */
  readonly nanos: number
  /** Calls whose cost nobody knows: 1 where it is unknown, -1 where it is known from now on. */
  readonly unpriced: number
}

/** The sums by budget and period. Called under `lockSpendToAdd`. */
export async function budgetSums(db: Database, added: readonly AddedCost[]): Promise<Spent[]> {
  const ownerIds = [...new Set(added.flatMap(ownersOf))]
  if (ownerIds.length === 0) return []
  const budgets = await db
    .selectFrom('budgets')
    .select(['id', 'ownerId', 'currency', 'amountNanos', 'period', 'timeZone', 'steps'])
    .where('ownerId', 'in', ownerIds)
    .where('archivedAt', 'is', null)
    .execute()
  return budgets.length === 0 ? [] : sumsOf(added, budgets)
}

type CountingBudget = Pick<
  Budget,
  'id' | 'ownerId' | 'currency' | 'amountNanos' | 'period' | 'timeZone' | 'steps'
>

function sumsOf(added: readonly AddedCost[], budgets: readonly CountingBudget[]): Spent[] {
  const byOwner = Map.groupBy(budgets, (it) => it.ownerId)
  const periodOf = periods()
  const sums = new Map<string, { -readonly [K in keyof Spent]: Spent[K] }>()
  for (const it of added) {
    const atMs = Date.parse(it.startedAt)
    for (const budget of ownersOf(it).flatMap((id) => byOwner.get(id) ?? [])) {
      const nanos = it.currency === budget.currency ? it.nanos : 0
      if (nanos === 0 && it.unpriced === 0) continue
      const period = periodOf(budget, atMs)
      if (period === null) continue
      const place = `${budget.id} ${period.name}`
      const sum = sums.get(place) ?? { budget, period, nanos: 0, unpriced: 0 }
      sum.nanos = Math.max(-UNBOUNDED, Math.min(UNBOUNDED, sum.nanos + nanos))
      sum.unpriced += it.unpriced
      sums.set(place, sum)
    }
  }
  return [...sums.values()]
}

/** Finds periods; those of calls that came together are mostly the same. */
function periods(): (budget: CountingBudget, atMs: number) => Period | null {
  const last = new Map<string, Period>()
  return (budget, atMs) => {
    const known = last.get(budget.id)
    if (known !== undefined && known.fromMs <= atMs && atMs < known.toMs) return known
    const period = periodAt(budget.period, budget.timeZone, atMs)
    if (period !== null) last.set(budget.id, period)
    return period
  }
}

function ownersOf(it: AddedCost): string[] {
  return Object.values(usageColumnOf)
    .map((column) => it[column])
    .filter((id) => id !== null)
}
