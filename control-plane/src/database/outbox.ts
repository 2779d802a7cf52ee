/**
 * The outbox: what others are to be told of, written where it happened and read by each reader in its own time.
 * A reader sees events in the order of their transactions, and none before all earlier transactions have ended,
 * so nothing that is committed late is passed over.
 */
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import { sql } from 'kysely'
import type { Database } from './open.ts'

/** Longer than any reader may lag behind before it is given up on. */
const KEPT_DAYS = 90

/** Writes events, to be read once the transaction is committed. */
export async function writeOutbox(db: Database, events: readonly OutboxEvent[]): Promise<void> {
  if (events.length === 0) return
  await db
    .insertInto('outboxEvents')
    .values(events.map(({ id, type, at, data }) => ({ id, type, at, data: JSON.stringify(data) })))
    .execute()
}

type Read = { readonly event: OutboxEvent; readonly xact: string; readonly number: number }

/**
 * Hands the next events to a reader and moves its cursor in the same transaction: what `take` writes there is
 * written once. What it sends elsewhere may be sent again, should the process die meanwhile or `take` throw.
 * @returns how many it took; 0 too while another process reads for the same reader
 */
export function readOutbox(
  db: Database,
  reader: string,
  {
    countMax,
    take,
  }: { countMax: number; take: (events: readonly OutboxEvent[], db: Database) => Promise<void> },
): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const cursor = await transaction
      .selectFrom('outboxCursors')
      .select(['xact', 'number'])
      .where('reader', '=', reader)
      .forUpdate()
      .skipLocked()
      .executeTakeFirst()
    if (cursor === undefined) return 0
    const read = await readAfter(transaction, cursor, countMax)
    const last = read.at(-1)
    if (last === undefined) return 0
    await take(
      read.map((it) => it.event),
      transaction,
    )
    await transaction
      .updateTable('outboxCursors')
      .set({ xact: last.xact, number: last.number })
      .where('reader', '=', reader)
      .execute()
    return read.length
  })
}

async function readAfter(
  db: Database,
  { xact, number }: { xact: string; number: number },
  countMax: number,
): Promise<Read[]> {
  const rows = await db
    .selectFrom('outboxEvents')
    .select(['id', 'type', 'at', 'data', 'xact', 'number'])
    .where(sql<boolean>`(xact, number) > (${xact}::xid8, ${number}::bigint)`)
    .where(sql<boolean>`xact < pg_snapshot_xmin(pg_current_snapshot())`)
    .orderBy('xact')
    .orderBy('number')
    .limit(countMax)
    .execute()
  return rows.map(({ id, type, at, data, ...place }) => ({
    // Written from this very type.
    event: { id, type, at, data } as OutboxEvent,
    ...place,
  }))
}

/** Removes what is old and every reader has read. */
export async function forgetRead(db: Database): Promise<void> {
  await db
    .deleteFrom('outboxEvents')
    .where('at', '<', sql<string>`now() - make_interval(days => ${sql.lit(KEPT_DAYS)})`)
    .where(
      sql<boolean>`not exists (select from outbox_cursors as cursors
        where (cursors.xact, cursors.number) < (outbox_events.xact, outbox_events.number))`,
    )
    .execute()
}
