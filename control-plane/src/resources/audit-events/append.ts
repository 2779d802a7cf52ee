/**
 * Adds events to the chain: numbers and hashes them under the lock of its head, which is held until the
 * transaction ends, so that no two transactions can follow on the same event.
 */
import { auditBytes } from '@headgate/domain/audit-chain'
import type { AuditEvent } from '@headgate/domain/audit-event'
import { withFingerprints } from '@headgate/domain/fingerprint'
import type { Database } from '../../database/open.ts'
import type { AuditKeeper } from './keeper.ts'
import { type Statement, sha256 } from './signature.ts'

export type NewAuditEvent = Omit<AuditEvent, 'number' | 'previousHash' | 'hash'>

export type AuditHead = { readonly number: number; readonly hash: string; readonly signature: string }

/** Reads how far the log is. */
export function readAuditHead(db: Database): Promise<AuditHead> {
  return db.selectFrom('auditHead').select(['number', 'hash', 'signature']).executeTakeFirstOrThrow()
}

export function headStatement({ number, hash }: Pick<AuditHead, 'number' | 'hash'>): Statement {
  return { form: 'headgate audit head 1', number, hash }
}

/**
 * Adds events in their order. Called last in a transaction: whoever holds the head should wait for nothing else.
 */
export async function appendAuditEvents(
  db: Database,
  events: readonly NewAuditEvent[],
  keeper: AuditKeeper,
): Promise<void> {
  if (events.length === 0) return
  const head = await lockHead(db)
  let { number, hash } = head
  const rows = events.map((event) => {
    number += 1
    // Plain JSON, as it will be read back.
    const plain = (value: unknown) =>
      withFingerprints(JSON.parse(JSON.stringify(value ?? null)), keeper.fingerprint)
    const unhashed = {
      ...event,
      number,
      previousHash: hash,
      before: plain(event.before),
      after: plain(event.after),
    }
    hash = sha256(auditBytes(unhashed))
    return {
      ...unhashed,
      hash,
      before: JSON.stringify(unhashed.before),
      after: JSON.stringify(unhashed.after),
    }
  })
  await db.insertInto('auditEvents').values(rows).execute()
  await moveHead(db, { number, hash }, keeper)
}

const OLD_EVENTS_AT_ONCE = 1000

/** Hashes the events that are older than the chain and signs its first head. Does nothing at a later start. */
export async function beginAuditChain(database: Database, keeper: AuditKeeper): Promise<void> {
  await database.transaction().execute(async (db) => {
    const head = await lockHead(db)
    if (head.signature !== '') return
    let { number, hash } = head
    for (;;) {
      const old = db.selectFrom('auditEvents').selectAll().where('number', '>', number).orderBy('number')
      const events = await old.limit(OLD_EVENTS_AT_ONCE).execute()
      if (events.length === 0) break
      for (const event of events) {
        const previousHash = hash
        hash = sha256(auditBytes({ ...event, previousHash }))
        number = event.number
        await db.updateTable('auditEvents').set({ previousHash, hash }).where('number', '=', number).execute()
      }
    }
    await moveHead(db, { number, hash }, keeper)
  })
}

function lockHead(db: Database): Promise<AuditHead> {
  return db
    .selectFrom('auditHead')
    .select(['number', 'hash', 'signature'])
    .forUpdate()
    .executeTakeFirstOrThrow()
}

async function moveHead(db: Database, head: Pick<AuditHead, 'number' | 'hash'>, keeper: AuditKeeper) {
  const signature = keeper.sign(headStatement(head))
  await db
    .updateTable('auditHead')
    .set({ ...head, signature })
    .execute()
}
