/**
 * Requests as they are recorded. What comes after a place is asked for each second, in the order of the transactions
 * that stored it and none before all earlier ones have ended, so that nothing that is committed late is passed over;
 * the same for every control plane, whichever of them stored it. Whoever reads slowly is asked for less often.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventSource } from '@headgate/admin-contract/event-stream'
import type { RequestEntry, RequestStreamQuery } from '@headgate/admin-contract/requests'
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, cursorAt, positionAfter } from '../../database/page.ts'
import { recordOf } from '../../database/usage-row.ts'
import { matching, nameReader } from './queries.ts'
import { entriesOf } from './request-entries.ts'

const POLL_MS = 1_000
const BATCH = 200

/** After this record of this transaction. */
type Place = {
  readonly xact: string
  readonly startedAt: string
  readonly requestId: string
  readonly attempt: number
}

/**
 * Tells of the requests of a filter from now on, or from an event on. Never ends by itself.
 * @throws AdminProblem `invalid_request` for an id that is none of ours
 */
export function requestStream(
  { after, ...filter }: RequestStreamQuery,
  db: Database,
): EventSource<RequestEntry> {
  const begin = after === undefined ? null : placeAt(after)
  return follow(begin, filter, db)
}

async function* follow(
  begin: Place | null,
  filter: UsageFilter,
  db: Database,
): AsyncGenerator<{ id: string; data: RequestEntry } | null> {
  const namesOf = nameReader(db)
  let place = begin ?? beforeAll(await ended(db))
  for (;;) {
    const horizon = await ended(db)
    const rows = await readStored(db, filter, { place, horizon })
    const records = rows.map(recordOf)
    const entries = entriesOf(records, await namesOf(records))
    for (const [index, data] of entries.entries()) {
      place = placeOf(rows[index] as StoredRow)
      yield { id: idAt(place), data }
    }
    if (rows.length === BATCH) continue
    place = beforeAll(horizon)
    yield null
    await sleep(POLL_MS)
  }
}

/** The first transaction that may still be under way: all before it have ended. */
async function ended(db: Database): Promise<string> {
  const { rows } = await sql<{
    xact: string
  }>`select pg_snapshot_xmin(pg_current_snapshot()) as xact`.execute(db)
  return rows[0]?.xact ?? '0'
}

type StoredRow = Awaited<ReturnType<typeof readStored>>[number]

/** Calls of the last days alone: what a gateway kept back for longer than that is no news, and stands in the list. */
function readStored(
  db: Database,
  filter: UsageFilter,
  { place: { xact, startedAt, requestId, attempt }, horizon }: { place: Place; horizon: string },
) {
  return db
    .selectFrom('usageRecords')
    .selectAll()
    .where(sql<boolean>`stored_xact >= ${xact}::xid8 and stored_xact < ${horizon}::xid8`)
    .where(
      sql<boolean>`(stored_xact, started_at, request_id, attempt)
        > (${xact}::xid8, ${startedAt}::timestamptz, ${requestId}, ${attempt}::int)`,
    )
    .where('startedAt', '>', sql<string>`now() - interval '2 days'`)
    .where((row) => matching(row, filter))
    .orderBy('storedXact')
    .orderBy('startedAt')
    .orderBy('requestId')
    .orderBy('attempt')
    .limit(BATCH)
    .execute()
}

function beforeAll(xact: string): Place {
  return { xact, startedAt: '-infinity', requestId: '', attempt: 0 }
}

function placeOf({ storedXact, startedAt, requestId, attempt }: StoredRow): Place {
  return { xact: storedXact ?? '0', startedAt, requestId, attempt }
}

function idAt({ xact, startedAt, requestId, attempt }: Place): string {
  return cursorAt([xact, startedAt, requestId, String(attempt)])
}

function placeAt(id: string): Place {
  const [xact = '', startedAt = '', requestId = '', attempt = ''] = positionAfter(id, 4, '?after')
  const isOurs = /^\d{1,19}$/.test(xact) && /^\d{1,9}$/.test(attempt) && !Number.isNaN(Date.parse(startedAt))
  if (!isOurs) throw badCursor('?after')
  return { xact, startedAt, requestId, attempt: Number(attempt) }
}
