/** What re-ratings added to the cost of calls, and calls as they are rated now. */
import { type CostSoFar, correctedRecord } from '@headgate/domain/rerating'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import type { Database } from './open.ts'

type Call = Pick<UsageRecord, 'requestId' | 'attempt'>

/** What was added to these calls so far, by `${requestId} ${attempt}`. */
export async function readCorrected(db: Database, calls: readonly Call[]): Promise<Map<string, CostSoFar[]>> {
  if (calls.length === 0) return new Map()
  const sums = await db
    .selectFrom('costCorrections')
    .select(['requestId', 'attempt', 'currency', sql<number>`sum(nanos)`.as('nanos')])
    .where('requestId', 'in', [...new Set(calls.map((it) => it.requestId))])
    .groupBy(['requestId', 'attempt', 'currency'])
    .execute()
  return Map.groupBy(sums, (it) => `${it.requestId} ${it.attempt}`)
}

/** The records with the costs that they have since they were last rated. */
export async function asRatedNow(db: Database, records: readonly UsageRecord[]): Promise<UsageRecord[]> {
  const added = await readCorrected(db, records)
  return records.map((it) => correctedRecord(it, added.get(`${it.requestId} ${it.attempt}`) ?? []))
}
