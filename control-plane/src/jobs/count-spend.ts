/** Counts records that have just been stored to the budgets of their owners, in the transaction that stored them. */
import type { UsageRecord } from '@headgate/domain/usage-record'
import { addSpend, lockSpendToAdd } from '../database/budget-spend.ts'
import { type AddedCost, budgetSums } from '../database/budget-sums.ts'
import type { Database } from '../database/open.ts'

/** @param records only those that were not there before */
export async function countSpend(
  db: Database,
  records: readonly UsageRecord[],
  nowMs: number,
): Promise<void> {
  const costly = records.filter((it) => it.costState === 'unknown' || (it.costNanos ?? 0) > 0)
  if (costly.length === 0) return
  await lockSpendToAdd(db)
  await addSpend(db, await budgetSums(db, costly.map(costOf)), nowMs)
}

function costOf({ keyId, userId, appId, teamId, startedAt, ...cost }: UsageRecord): AddedCost {
  const { currency, costNanos, costState } = cost
  const isUnpriced = costState === 'unknown'
  return {
    ...{ keyId, userId, appId, teamId, startedAt, currency },
    ...{ nanos: isUnpriced ? 0 : (costNanos ?? 0), unpriced: isUnpriced ? 1 : 0 },
  }
}
