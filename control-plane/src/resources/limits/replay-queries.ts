/** The SQL of a replay: the recorded calls that a limit counts. */
import { type Limit, ownerKindOf } from '@headgate/domain/limit'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { usageColumnOf } from '../../database/owner.ts'

/** Some ten megabytes of memory; the latest ones are taken. */
const CALLS_MAX = 200_000

export type ReplayedCall = {
  readonly startedAtMs: number
  readonly totalMs: number
  readonly tokens: number
}

/**
 * Calls of the limit's owner, for its model, at deployments of its quota, that reached a provider; what a refused
 * one would have used, nobody knows.
 */
export async function readReplayedCalls(
  db: Database,
  limit: Limit,
  span: { readonly from: string; readonly to: string },
): Promise<{ calls: ReplayedCall[]; truncated: boolean }> {
  let rows = db
    .selectFrom('usageRecords')
    .select([
      sql<number>`extract(epoch from started_at)::float8 * 1000`.as('startedAtMs'),
      'totalMs',
      sql<number>`input_tokens + output_tokens`.as('tokens'),
    ])
    .where('startedAt', '>=', span.from)
    .where('startedAt', '<', span.to)
    .where(usageColumnOf[ownerKindOf(limit.ownerId)], '=', limit.ownerId)
    .where('attempt', '>', 0)
    .orderBy('startedAt', 'desc')
    .limit(CALLS_MAX + 1)
  if (limit.model !== null) rows = rows.where('alias', '=', limit.model)
  if (limit.quotaId !== null) {
    const drawing = db.selectFrom('deployments').select('id').where('quotaId', '=', limit.quotaId)
    rows = rows.where('deploymentId', 'in', drawing)
  }
  const found = await rows.execute()
  return { calls: found.slice(0, CALLS_MAX).reverse(), truncated: found.length > CALLS_MAX }
}
