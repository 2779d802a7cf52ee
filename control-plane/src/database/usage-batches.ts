/**
 * Usage batches: what was stored or corrected in one transaction, for sinks to read. A batch gets its position when
 * it is first seen, under a lock, and so after every batch that was seen before: nothing that is committed late is
 * passed over, and no open transaction holds others up. Where there is no sink, nothing is written.
 */
import type { SinkEntry } from '@headgate/domain/sink-entry'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from './array-literal.ts'
import type { Database } from './open.ts'
import type { CostCorrectionRow, UsageRow } from './tables.ts'
import { recordOf } from './usage-row.ts'

/** Taken shared by whoever writes a batch, alone by whoever makes a sink known: then all write, or none has to. */
export const SINKS_LOCK = [7404, 1] as const
const POSITIONS_LOCK = [7404, 2] as const
/** Small batches that are read at once. */
const BATCHES_MAX = 200

type CallIdentity = Pick<UsageRecord, 'startedAt' | 'requestId' | 'attempt'>

/** To be called in the transaction that stored the records. */
export function writeRecordBatch(db: Database, records: readonly UsageRecord[]): Promise<void> {
  return writeBatch(db, records, { reratingId: null, entries: records.length })
}

/** To be called in the transaction of the re-rating. */
export function writeCorrectionBatch(
  db: Database,
  reratingId: string,
  corrections: readonly CallIdentity[],
): Promise<void> {
  const calls = new Map(corrections.map((it) => [`${it.requestId} ${it.attempt}`, it]))
  return writeBatch(db, [...calls.values()], { reratingId, entries: corrections.length })
}

async function writeBatch(
  db: Database,
  calls: readonly CallIdentity[],
  { reratingId, entries }: { reratingId: string | null; entries: number },
): Promise<void> {
  if (calls.length === 0) return
  await sql`select pg_advisory_xact_lock_shared(${SINKS_LOCK[0]}, ${SINKS_LOCK[1]})`.execute(db)
  if ((await db.selectFrom('usageSinks').select('id').limit(1).executeTakeFirst()) === undefined) return
  await sql`insert into usage_batches (rerating_id, entries, started_ats, request_ids, attempts) values (
    ${reratingId}, ${entries}, ${arrayLiteral(calls.map((it) => it.startedAt))}::timestamptz[],
    ${arrayLiteral(calls.map((it) => it.requestId))}::text[],
    ${arrayLiteral(calls.map((it) => it.attempt))}::integer[])`.execute(db)
}

/**
 * Gives positions to the batches that have none yet.
 * @param db a transaction: until it ends nobody else can give any
 * @returns the last position that was ever given
 */
export async function givePositions(db: Database): Promise<number> {
  await sql`select pg_advisory_xact_lock(${POSITIONS_LOCK[0]}, ${POSITIONS_LOCK[1]})`.execute(db)
  const last = sql`select greatest((select max(position) from usage_batches),
    (select max(position) from usage_sinks), 0) as position`
  await sql`
    with seen as (select number, row_number() over (order by number) as nth
      from usage_batches where position is null),
    last as (${last})
    update usage_batches set position = last.position + seen.nth
    from seen, last where usage_batches.number = seen.number`.execute(db)
  const { rows } = await sql<{ position: number }>`${last}`.execute(db)
  return rows[0]?.position ?? 0
}

/** Some batches that follow each other, with what is still there of them. */
export type Portion = {
  /** Of the last of them. */
  readonly position: number
  readonly storedAt: string
  readonly entries: readonly SinkEntry[]
  /** How many are no longer kept. */
  readonly missed: number
}

/** The batches after a position, as many as make up `countMax` entries, and at least one; null when there is none. */
export async function readPortion(db: Database, position: number, countMax: number): Promise<Portion | null> {
  const heads = await db
    .selectFrom('usageBatches')
    .select(['position', 'storedAt', 'entries'])
    .where('position', '>', position)
    .orderBy('position')
    .limit(BATCHES_MAX)
    .execute()
  let count = 0
  const taken = heads.filter((head, nth) => {
    count += head.entries
    return nth === 0 || count <= countMax
  })
  const last = taken.at(-1)
  if (last === undefined || last.position === null) return null
  const entries = await readEntries(db, position, last.position)
  const missed = taken.reduce((sum, it) => sum + it.entries, 0) - entries.length
  return { position: last.position, storedAt: last.storedAt, entries, missed }
}

/** Each call is looked up by its key, in its own partition, whatever the planner thinks of arrays. */
async function readEntries(db: Database, after: number, upTo: number): Promise<SinkEntry[]> {
  const calls = sql`usage_batches batch cross join lateral
    unnest(batch.started_ats, batch.request_ids, batch.attempts) as it (started_at, request_id, attempt)`
  const records = await sql<UsageRow>`
    select found.* from ${calls} cross join lateral (select * from usage_records
      where started_at = it.started_at and request_id = it.request_id and attempt = it.attempt offset 0) found
    where batch.position > ${after} and batch.position <= ${upTo} and batch.rerating_id is null`.execute(db)
  const corrections = await sql<CostCorrectionRow>`
    select found.* from ${calls} cross join lateral (select * from cost_corrections
      where request_id = it.request_id and attempt = it.attempt and rerating_id = batch.rerating_id
      offset 0) found
    where batch.position > ${after} and batch.position <= ${upTo} and batch.rerating_id is not null`.execute(
    db,
  )
  return [...records.rows.map(recordEntry), ...corrections.rows.map(correctionEntry)]
}

export function recordEntry(row: UsageRow): SinkEntry {
  return { kind: 'record', record: recordOf(row) }
}

export function correctionEntry(row: CostCorrectionRow): SinkEntry {
  return { kind: 'correction', correction: row }
}

/** Removes what all sinks were given; where there is none any more, everything. */
export async function forgetBatches(db: Database): Promise<void> {
  await sql`delete from usage_batches where position <= (select min(position) from usage_sinks)
    or not exists (select from usage_sinks)`.execute(db)
}

/**
 * Removes what was stored before an instant, whoever still waits for it: its records are gone.
 * @returns the sinks that will not be given it any more, and how many entries these are
 */
export async function expireBatches(
  db: Database,
  before: string,
): Promise<{ name: string; entries: number }[]> {
  const { rows } = await sql<{ name: string; entries: number }>`
    with gone as (delete from usage_batches where stored_at < ${before}::timestamptz
      returning position, entries),
    lost as (select id, (select sum(entries) from gone
      where gone.position is null or gone.position > usage_sinks.position)::bigint as entries from usage_sinks)
    update usage_sinks set missed = missed + lost.entries
    from lost where lost.id = usage_sinks.id and lost.entries > 0
    returning usage_sinks.name, lost.entries`.execute(db)
  return rows
}
