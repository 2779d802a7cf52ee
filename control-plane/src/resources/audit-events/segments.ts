/**
 * Segments are whole stretches of the audit chain, a month of UTC each. One is sealed once an event of a later
 * month follows, and removed whole when it is past its time; its signed row stays as the tombstone.
 */
import type { ChainPlace } from '@headgate/domain/audit-chain'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import type { AuditSegmentRow } from '../../database/tables.ts'
import type { AuditKeeper } from './keeper.ts'
import type { Statement } from './signature.ts'

const DELETED_AT_ONCE = 10_000

export function sealStatement(it: AuditSegmentRow): Statement {
  const { number, firstNumber, lastNumber, firstHash, lastHash, fromAt, toAt, sealedAt } = it
  const place = { number, firstNumber, lastNumber, firstHash, lastHash }
  return { form: 'headgate audit segment 1', ...place, fromAt, toAt, sealedAt }
}

export function removalStatement({ number, firstHash, lastHash, removedAt }: AuditSegmentRow): Statement {
  return { form: 'headgate audit tombstone 1', number, firstHash, lastHash, removedAt }
}

export function readSegments(db: Database): Promise<AuditSegmentRow[]> {
  return db.selectFrom('auditSegments').selectAll().orderBy('number').execute()
}

/** Seals every month that is over and has not been sealed. @returns how many */
export async function sealSegments(db: Database, keeper: AuditKeeper, nowMs: number): Promise<number> {
  for (let sealed = 0; ; sealed++) {
    const last = (await readSegments(db)).at(-1)
    const from = (last?.lastNumber ?? 0) + 1
    const first = await eventAt(db, from)
    if (first === undefined) return sealed
    const boundary = nextMonth(first.at)
    if (Date.parse(boundary) > nowMs) return sealed
    const { rows } = await sql<{ number: number | null; toAt: string | null }>`
      with later as (select min(number) as number from audit_events where number > ${from} and at >= ${boundary})
      select later.number, (select max(at) from audit_events e where e.number >= ${from} and e.number < later.number)
        as to_at from later`.execute(db)
    const [found] = rows
    if (found === undefined || found.number === null || found.toAt === null) return sealed
    const end = await eventAt(db, found.number - 1)
    if (end === undefined) return sealed
    const segment: AuditSegmentRow = {
      number: (last?.number ?? 0) + 1,
      firstNumber: from,
      lastNumber: end.number,
      firstHash: first.hash,
      lastHash: end.hash,
      fromAt: first.at,
      toAt: found.toAt,
      sealedAt: new Date(nowMs).toISOString(),
      signature: '',
      removedAt: null,
      removalSignature: null,
    }
    const signature = keeper.sign(sealStatement(segment))
    await db
      .insertInto('auditSegments')
      .values({ ...segment, signature })
      .execute()
  }
}

/**
 * Removes the sealed segments that ended before an instant, oldest first and without a gap.
 * @returns the segments it removed
 */
export async function removeSegments(
  db: Database,
  keeper: AuditKeeper,
  { before, nowMs }: { readonly before: string; readonly nowMs: number },
): Promise<AuditSegmentRow[]> {
  const removed: AuditSegmentRow[] = []
  for (const segment of await readSegments(db)) {
    if (segment.removedAt !== null) continue
    if (Date.parse(segment.toAt) >= Date.parse(before)) break
    const marked = { ...segment, removedAt: new Date(nowMs).toISOString() }
    const removalSignature = keeper.sign(removalStatement(marked))
    await db
      .updateTable('auditSegments')
      .set({ removedAt: marked.removedAt, removalSignature })
      .where('number', '=', segment.number)
      .execute()
    removed.push({ ...marked, removalSignature })
  }
  await deleteRemoved(db)
  return removed
}

/** In pieces that no statement's time limit cuts short; what a stop leaves, the next run takes. */
async function deleteRemoved(db: Database): Promise<void> {
  const { rows } = await sql<{ last: number | null }>`
    select max(last_number) as last from audit_segments where removed_at is not null`.execute(db)
  const last = rows[0]?.last ?? 0
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from audit_events where number in
        (select number from audit_events where number <= ${last} order by number limit ${DELETED_AT_ONCE})`.execute(
      db,
    )
    if (Number(numAffectedRows) < DELETED_AT_ONCE) return
  }
}

function eventAt(db: Database, number: number): Promise<(ChainPlace & { at: string }) | undefined> {
  return db
    .selectFrom('auditEvents')
    .select(['number', 'hash', 'at'])
    .where('number', '=', number)
    .executeTakeFirst()
}

function nextMonth(at: string): string {
  const date = new Date(at)
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)).toISOString()
}
