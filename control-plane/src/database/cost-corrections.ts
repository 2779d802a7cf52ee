/** What re-ratings added to the cost of calls, and calls as they are rated now. */
import { type CostSoFar, correctedRecord } from '@headgate/domain/rerating'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from './array-literal.ts'
import type { Database } from './open.ts'
import type { CostCorrectionRow } from './tables.ts'

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

/** All corrections of some calls, whichever re-rating made them. */
export async function readCorrections(
  db: Database,
  calls: readonly { readonly requestId: string; readonly attempt: number }[],
): Promise<CostCorrectionRow[]> {
  const { rows } = await sql<CostCorrectionRow>`
    select found.* from unnest(${arrayLiteral(calls.map((it) => it.requestId))}::text[],
      ${arrayLiteral(calls.map((it) => it.attempt))}::integer[]) as it (request_id, attempt)
    cross join lateral (select * from cost_corrections
      where request_id = it.request_id and attempt = it.attempt offset 0) found`.execute(db)
  return rows
}
