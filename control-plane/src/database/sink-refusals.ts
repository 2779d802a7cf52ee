/**
 * What sinks would not take, as Postgres keeps it: with the reason, and whether it is to be tried again. `put_aside` of a
 * sink is how many there are; whoever changes both takes the row of the sink first.
 */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import { bornAt } from '@headgate/domain/id'
import { entryId, entryNamed, type RefusedEntry, type SinkEntry } from '@headgate/domain/sink-entry'
import type { SinkRefusal } from '@headgate/domain/sink-refusal'
import { sql } from 'kysely'
import { arrayLiteral } from './array-literal.ts'
import { readCorrections } from './cost-corrections.ts'
import type { Database } from './open.ts'
import { positionAfter, toPage } from './page.ts'
import type { UsageRow } from './tables.ts'
import { correctionEntry, recordEntry } from './usage-batches.ts'

/** A refused entry, with the beginning of its call; null where nobody knows it. */
export type Aside = RefusedEntry & { readonly startedAt: string | null }

/** Which of what a sink refused: these, or all. */
export type Chosen = { readonly ids: readonly string[] } | 'all'

/** One page, latest request first. */
export async function listRefusals(
  db: Database,
  sinkId: string,
  { limit, cursor }: PageQuery,
): Promise<Page<SinkRefusal>> {
  let some = db
    .selectFrom('usageSinkRefusals')
    .selectAll()
    .where('sinkId', '=', sinkId)
    .orderBy('entryId', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) some = some.where('entryId', '<', positionAfter(cursor, 1)[0] as string)
  const { data, page } = toPage(await some.execute(), limit, (row) => [row.entryId])
  return { data: data.map(refusalOf), page }
}

function refusalOf(row: {
  readonly entryId: string
  readonly reason: string
  readonly tries: number
  readonly refusedAt: string
  readonly retryAskedAt: string | null
}): SinkRefusal {
  const { entryId: id, reason, tries, refusedAt, retryAskedAt } = row
  const { kind, requestId, attempt } = entryNamed(id) ?? { kind: 'record', requestId: id, attempt: 0 }
  return { id, kind, requestId, attempt, reason, tries, refusedAt, retryAskedAt }
}

/** Those of the ids that the sink did not refuse, or that were taken or forgotten since. */
export async function withoutRefusal(
  db: Database,
  sinkId: string,
  ids: readonly string[],
): Promise<string[]> {
  const rows = await db
    .selectFrom('usageSinkRefusals')
    .select('entryId')
    .where('sinkId', '=', sinkId)
    .where('entryId', 'in', ids)
    .execute()
  const there = new Set(rows.map((row) => row.entryId))
  return ids.filter((id) => !there.has(id))
}

/** Has them tried again. @returns how many were not to be tried again already */
export async function askRetries(db: Database, sinkId: string, chosen: Chosen, at: string): Promise<number> {
  let some = db.updateTable('usageSinkRefusals').set({ retryAskedAt: at }).where('sinkId', '=', sinkId)
  some = some.where('retryAskedAt', 'is', null)
  if (chosen !== 'all') some = some.where('entryId', 'in', chosen.ids)
  return Number((await some.executeTakeFirstOrThrow()).numUpdatedRows)
}

/** @param db a transaction. @returns how many there were */
export async function forgetRefusals(db: Database, sinkId: string, chosen: Chosen): Promise<number> {
  await lockSinkRow(db, sinkId)
  let some = db.deleteFrom('usageSinkRefusals').where('sinkId', '=', sinkId)
  if (chosen !== 'all') some = some.where('entryId', 'in', chosen.ids)
  const gone = Number((await some.executeTakeFirstOrThrow()).numDeletedRows)
  await countAside(db, sinkId, -gone)
  return gone
}

/** What was refused just now, in the transaction that moves the sink. One that was there already stays as it is. */
export async function putAside(db: Database, sinkId: string, refused: readonly Aside[]): Promise<void> {
  const { numInsertedOrUpdatedRows: added = 0n } = await db
    .insertInto('usageSinkRefusals')
    .values(refused.map(({ id: entryId, reason, startedAt }) => ({ sinkId, entryId, reason, startedAt })))
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow()
  await countAside(db, sinkId, Number(added))
}

/** Some that are to be tried again, with where their records lie. */
export async function readRetries(db: Database, sinkId: string, countMax: number): Promise<Aside[]> {
  const rows = await db
    .selectFrom('usageSinkRefusals')
    .select(['entryId', 'reason', 'startedAt'])
    .where('sinkId', '=', sinkId)
    .where('retryAskedAt', 'is not', null)
    .orderBy('entryId')
    .limit(countMax)
    .execute()
  return rows.map(({ entryId: id, reason, startedAt }) => ({ id, reason, startedAt }))
}

/** The entries themselves, as far as they are still kept. */
export async function readAsides(db: Database, asides: readonly Aside[]): Promise<SinkEntry[]> {
  const wanted = new Set(asides.map((it) => it.id))
  const calls = asides.flatMap(({ id, startedAt }) => {
    const name = entryNamed(id)
    return name === null ? [] : [{ ...name, startedAt: startedAt ?? bornAt(name.requestId) }]
  })
  const ofKind = (kind: SinkEntry['kind']) => calls.filter((it) => it.kind === kind)
  const records = ofKind('record')
  const { rows } = await sql<UsageRow>`
    select found.* from unnest(${arrayLiteral(records.map((it) => it.startedAt))}::timestamptz[],
      ${arrayLiteral(records.map((it) => it.requestId))}::text[],
      ${arrayLiteral(records.map((it) => it.attempt))}::integer[]) as it (started_at, request_id, attempt)
    cross join lateral (select * from usage_records where started_at = it.started_at
      and request_id = it.request_id and attempt = it.attempt offset 0) found`.execute(db)
  const corrections = await readCorrections(db, ofKind('correction'))
  const entries = [...rows.map(recordEntry), ...corrections.map(correctionEntry)]
  return entries.filter((it) => wanted.has(entryId(it)))
}

/**
 * Notes what became of a retry: what was taken is put aside no more, and the others wait with their reason of now until
 * they are asked for again. What was forgotten meanwhile stays so.
 */
export function endRetries(
  db: Database,
  sinkId: string,
  { taken, refused }: { taken: readonly string[]; refused: readonly RefusedEntry[] },
): Promise<void> {
  return db.transaction().execute(async (transaction) => {
    if (taken.length > 0) await forgetRefusals(transaction, sinkId, { ids: taken })
    for (const { id, reason } of refused)
      await transaction
        .updateTable('usageSinkRefusals')
        .set((row) => ({
          ...{ reason, retryAskedAt: null, refusedAt: sql<string>`clock_timestamp()` },
          tries: row('tries', '+', 1),
        }))
        .where('sinkId', '=', sinkId)
        .where('entryId', '=', id)
        .execute()
  })
}

async function lockSinkRow(db: Database, sinkId: string): Promise<void> {
  await db.selectFrom('usageSinks').select('id').where('id', '=', sinkId).forUpdate().execute()
}

async function countAside(db: Database, sinkId: string, more: number): Promise<void> {
  if (more === 0) return
  await db
    .updateTable('usageSinks')
    .set((row) => ({ putAside: row('putAside', '+', more) }))
    .where('id', '=', sinkId)
    .execute()
}
