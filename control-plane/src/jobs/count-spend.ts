/**
 * Counts records that have just been stored to the budgets of their owners, in the transaction that stored them.
 * A record belongs to the period in which its call arrived, whenever it comes.
 */
import type { Budget } from '@headgate/domain/budget'
import { type Period, periodAt } from '@headgate/domain/period'
import { UNBOUNDED } from '@headgate/domain/reservation'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { addSpend, lockSpendToAdd, type Spent } from '../database/budget-spend.ts'
import type { Database } from '../database/open.ts'
import { usageColumnOf } from '../database/owner.ts'

/** @param records only those that were not there before */
export async function countSpend(
  db: Database,
  records: readonly UsageRecord[],
  nowMs: number,
): Promise<void> {
  const costly = records.filter((it) => it.costState === 'unknown' || (it.costNanos ?? 0) > 0)
  const ownerIds = [...new Set(costly.flatMap(ownersOf))]
  if (ownerIds.length === 0) return
  await lockSpendToAdd(db)
  const budgets = await db
    .selectFrom('budgets')
    .select(['id', 'ownerId', 'currency', 'amountNanos', 'period', 'timeZone', 'steps'])
    .where('ownerId', 'in', ownerIds)
    .where('archivedAt', 'is', null)
    .execute()
  if (budgets.length > 0) await addSpend(db, sumsOf(costly, budgets), nowMs)
}

type CountingBudget = Pick<
  Budget,
  'id' | 'ownerId' | 'currency' | 'amountNanos' | 'period' | 'timeZone' | 'steps'
>

/** What these records add to each budget and period. */
function sumsOf(records: readonly UsageRecord[], budgets: readonly CountingBudget[]): Spent[] {
  const byOwner = Map.groupBy(budgets, (it) => it.ownerId)
  const periodOf = periods()
  const sums = new Map<string, { -readonly [K in keyof Spent]: Spent[K] }>()
  for (const record of records) {
    const atMs = Date.parse(record.startedAt)
    for (const budget of ownersOf(record).flatMap((id) => byOwner.get(id) ?? [])) {
      const isUnpriced = record.costState === 'unknown'
      if (!isUnpriced && record.currency !== budget.currency) continue
      const period = periodOf(budget, atMs)
      if (period === null) continue
      const place = `${budget.id} ${period.name}`
      const sum = sums.get(place) ?? { budget, period, nanos: 0, unpriced: 0 }
      if (isUnpriced) sum.unpriced += 1
      else sum.nanos = Math.min(UNBOUNDED, sum.nanos + (record.costNanos ?? 0))
      sums.set(place, sum)
    }
  }
  return [...sums.values()]
}

/** Finds periods; those of records that came together are mostly the same. */
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

function ownersOf(record: UsageRecord): string[] {
  return Object.values(usageColumnOf)
    .map((column) => record[column])
    .filter((id) => id !== null)
}
