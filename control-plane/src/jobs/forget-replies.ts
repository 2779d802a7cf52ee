/** Forgets what writes with an idempotency key were answered, once a repeat is no repeat any more. */
import { sql } from 'kysely'
import { IDEMPOTENCY_HOURS } from '../database/idempotent-replies.ts'
import type { Database } from '../database/open.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 10 * 60_000
const LOCK = 8

/** The job, in one process at a time. */
export function forgetReplies(db: Database): Job {
  return { name: 'forget-replies', everyMs: EVERY_MS, lock: LOCK, run: () => forgetOldReplies(db) }
}

/** Takes away all answers older than a repeat may be. */
export async function forgetOldReplies(db: Database): Promise<void> {
  const cut = sql<string>`now() - make_interval(hours => ${sql.lit(IDEMPOTENCY_HOURS)})`
  await db.deleteFrom('idempotentReplies').where('createdAt', '<', cut).execute()
}
