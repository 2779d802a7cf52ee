/** Records of the past for a sink that is switched on later: page by page in the order in which their calls began. */
import type { SinkEntry } from '@headgate/domain/sink-entry'
import { sql } from 'kysely'
import { readCorrections } from './cost-corrections.ts'
import type { Database } from './open.ts'
import { correctionEntry, recordEntry } from './usage-batches.ts'
import type { SinkPlace } from './usage-sinks.ts'

export type BackfillPage = {
  readonly entries: readonly SinkEntry[]
  /** Where the sink stands once it has been given them. */
  readonly place: Pick<SinkPlace, 'backfillStartedAt' | 'backfillRequestId' | 'backfillAttempt'> &
    Partial<Pick<SinkPlace, 'backfillEndedAt'>>
}

/** The next page with the corrections of its records; null when none was asked for, or all has been given. */
export async function readBackfill(
  db: Database,
  it: SinkPlace,
  { countMax, now }: { countMax: number; now: string },
): Promise<BackfillPage | null> {
  const { fromAt, backfillUntil, backfillStartedAt, backfillRequestId, backfillAttempt } = it
  if (fromAt === null || backfillUntil === null || it.backfillEndedAt !== null) return null
  let wanted = db
    .selectFrom('usageRecords')
    .selectAll()
    .where('startedAt', '>=', backfillStartedAt ?? fromAt)
    .where('startedAt', '<=', backfillUntil)
    .orderBy('startedAt')
    .orderBy('requestId')
    .orderBy('attempt')
    .limit(countMax)
  if (backfillStartedAt !== null)
    wanted = wanted.where(
      sql<boolean>`(started_at, request_id, attempt) >
        (${backfillStartedAt}::timestamptz, ${backfillRequestId}, ${backfillAttempt}::integer)`,
    )
  const rows = await wanted.execute()
  const last = rows.at(-1)
  const place = {
    backfillStartedAt: last?.startedAt ?? backfillStartedAt,
    backfillRequestId: last?.requestId ?? backfillRequestId,
    backfillAttempt: last?.attempt ?? backfillAttempt,
    ...(rows.length < countMax && { backfillEndedAt: now }),
  }
  const corrections = rows.length === 0 ? [] : await readCorrections(db, rows)
  return { entries: [...rows.map(recordEntry), ...corrections.map(correctionEntry)], place }
}
