/**
 * A change is one write of the admin API from beginning to end: one transaction with the handler's work, its
 * audit event and, where it matters to gateways, the next catalog; then commit; then publish. Everything that
 * writes goes through here, the seed included, so that nothing changes without a trace.
 */
import type { Change } from '@headgate/admin-contract/operation'
import type { idSource } from '@headgate/domain/id'
import type { Clock, DigestKey, Ledger, Log } from '@headgate/domain/ports'
import { compileCatalog, lockCatalog } from './catalog/compile.ts'
import type { CatalogPublisher } from './catalog/publish.ts'
import type { KeysPublisher } from './catalog/publish-keys.ts'
import { isSerialisationFault } from './database/fault.ts'
import type { Database } from './database/open.ts'
import { insertAuditEvent } from './resources/audit-events/queries.ts'
import type { HandlerContext } from './resources/context.ts'

const TRIES = 3
/** A publisher that does not answer must not hold up whoever made the change; the job comes after it. */
const PUBLISH_WAIT_MS = 2_000

/** What the process has: made once in start.ts, handed to whoever changes or reads something. */
export type Home = {
  readonly db: Database
  readonly clock: Clock
  readonly newId: ReturnType<typeof idSource>
  readonly digestKey: DigestKey
  readonly ledger: Pick<Ledger, 'look'>
  readonly allowLoopbackUpstreams: boolean
  readonly catalog: CatalogPublisher
  readonly keys: KeysPublisher
  readonly log: Log
}

/** Who does what, for the audit event. */
export type Intent = {
  readonly actor: string
  /** As `key.created`. */
  readonly action: string
  readonly requestId: string
  readonly changesCatalog: boolean
}

/** Runs a handler that only reads. */
export function readOnly<T>(home: Home, work: (context: HandlerContext) => Promise<T>): Promise<T> {
  return work(contextOf(home, home.db, () => {}))
}

/**
 * Runs a handler that writes. Its work may be run again when another transaction got in its way, so it must
 * touch nothing but the database.
 * @returns the handler's reply, once it is committed
 * @throws whatever the handler, the audit or the catalog threw; nothing has changed then
 */
export async function commitChange<T>(
  home: Home,
  intent: Intent,
  work: (context: HandlerContext) => Promise<Change<T>>,
): Promise<T> {
  for (let tried = 1; ; tried++) {
    const keyIds = new Set<string>()
    try {
      const change = await transact(home, intent, (db) => work(contextOf(home, db, (id) => keyIds.add(id))))
      await publish(home, { catalog: change.changed && intent.changesCatalog, keyIds: [...keyIds] })
      if (change.changed) told(home, intent, change.subjectId)
      return change.reply
    } catch (fault) {
      if (tried === TRIES || !isSerialisationFault(fault)) throw fault
    }
  }
}

function told(home: Home, intent: Intent, subjectId: string): void {
  const { actor, requestId } = intent
  home.log('info', intent.action, { actor, subjectId, requestId })
}

function transact<T>(
  home: Home,
  intent: Intent,
  work: (db: Database) => Promise<Change<T>>,
): Promise<Change<T>> {
  return home.db.transaction().execute(async (db) => {
    if (intent.changesCatalog) await lockCatalog(db)
    const change = await work(db)
    if (!change.changed) return change
    const { actor, action, requestId } = intent
    const nowMs = home.clock.nowMs()
    await insertAuditEvent(db, {
      id: home.newId('aud', nowMs),
      at: new Date(nowMs).toISOString(),
      actor,
      action,
      subjectId: change.subjectId,
      requestId,
      before: change.before,
      after: change.after,
    })
    if (intent.changesCatalog) {
      await compileCatalog(db, { nowMs, author: actor, message: `${action} ${change.subjectId}` })
    }
    return change
  })
}

/** Never fails the change: it is committed, and the jobs publish what did not get through now. */
async function publish(home: Home, what: { catalog: boolean; keyIds: readonly string[] }): Promise<void> {
  const work: Promise<void>[] = []
  if (what.catalog) work.push(home.catalog.publish())
  if (what.keyIds.length > 0) work.push(home.keys.publish(what.keyIds))
  if (work.length === 0) return
  const published = Promise.all(work).then(
    () => {},
    (fault) => {
      const reason = fault instanceof Error ? fault.message : String(fault)
      home.log('warn', 'committed but not published yet; a job will try again', { reason })
    },
  )
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PUBLISH_WAIT_MS)
  })
  await Promise.race([published, enough])
  clearTimeout(timer)
}

function contextOf(home: Home, db: Database, keyChanged: (keyId: string) => void): HandlerContext {
  const nowMs = home.clock.nowMs()
  return {
    db,
    nowMs,
    now: new Date(nowMs).toISOString(),
    newId: (prefix) => home.newId(prefix, nowMs),
    digestKey: home.digestKey,
    ledger: home.ledger,
    allowLoopbackUpstreams: home.allowLoopbackUpstreams,
    keyChanged,
  }
}
