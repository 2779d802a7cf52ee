/**
 * A change is one write of the admin API from beginning to end: one transaction with the handler's work, its
 * audit event and, where it matters to gateways, the next catalog; then commit; then publish. Everything that
 * writes goes through here, the seed included, so that nothing changes without a trace.
 */
import type { Change } from '@headgate/admin-contract/operation'
import type { CatalogDocument } from '@headgate/domain/catalog'
import { type CatalogDifference, catalogDifferences } from '@headgate/domain/catalog-difference'
import type { idSource } from '@headgate/domain/id'
import type { SomeSettings } from '@headgate/domain/organisation-setting'
import type { CatalogFeed, Clock, DigestKey, Ledger, Log, SecretSealer } from '@headgate/domain/ports'
import type { ReceiverGuard } from './alerts/receiver-guard.ts'
import { compileCatalog, lockCatalog } from './catalog/compile.ts'
import type { CatalogPublisher } from './catalog/publish.ts'
import type { KeysPublisher } from './catalog/publish-keys.ts'
import { isSerialisationFault } from './database/fault.ts'
import type { Database } from './database/open.ts'
import { inTeamScope } from './database/team-scope.ts'
import { archiveThing } from './resources/archived-things/queries.ts'
import { appendAuditEvents, type NewAuditEvent } from './resources/audit-events/append.ts'
import type { AuditKeeper } from './resources/audit-events/keeper.ts'
import { readCatalogDocument } from './resources/catalog/queries.ts'
import type { Actor, HandlerContext } from './resources/context.ts'

const TRIES = 3
/** A publisher that does not answer must not hold up whoever made the change; the job comes after it. */
const PUBLISH_WAIT_MS = 2_000

/** What the process has: made once in start.ts, handed to whoever changes or reads something. */
export type Home = {
  readonly db: Database
  /** The database as those see it whose right is for these teams only. */
  readonly scopedTo: (teamIds: readonly string[]) => Database
  readonly clock: Clock
  readonly newId: ReturnType<typeof idSource>
  readonly digestKey: DigestKey
  readonly ledger: Pick<Ledger, 'look'>
  readonly audit: AuditKeeper
  readonly sealer: SecretSealer | null
  readonly servingGateways: CatalogFeed['gateways']
  readonly fixedSettings: SomeSettings
  readonly allowLoopbackUpstreams: boolean
  readonly receiverGuard: ReceiverGuard
  readonly catalog: CatalogPublisher
  readonly keys: KeysPublisher
  readonly log: Log
}

/** Who does what, for the audit event. */
export type Intent = {
  readonly actor: string
  /** What the actor may do and where from; left out for the gateway itself. */
  readonly role?: string
  readonly address?: string
  /** As `key.created`. */
  readonly action: string
  readonly requestId: string
  readonly changesCatalog: boolean
  /** Left out where a job or a command does it, which may do anything. */
  readonly permit?: Permit
}

/** Who asked, and for which teams they may; null is the whole organisation. */
export type Permit = { readonly by: Actor; readonly teamIds: readonly string[] | null }

/** One write: what is meant by it, and the handler that does it. */
export type Step<T> = {
  readonly intent: Intent
  readonly work: (context: HandlerContext) => Promise<Change<T>>
}

/** Runs a handler that only reads. */
export function readOnly<T>(
  home: Home,
  permit: Permit,
  work: (context: HandlerContext) => Promise<T>,
): Promise<T> {
  const db = permit.teamIds === null ? home.db : home.scopedTo(permit.teamIds)
  return work(contextOf(home, db, { actor: permit.by.name, permit, keyChanged: () => {} }))
}

/** Does what a handler does, within the teams it may be done for. */
export function scoped<T>(context: HandlerContext, work: () => Promise<T>): Promise<T> {
  return inTeamScope(context.db, context.teamIds, work)
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
  const { changes } = await commitSteps(home, [{ intent, work }])
  return (changes[0] as Change<T>).reply
}

export type Committed<T> = {
  readonly changes: readonly Change<T>[]
  /** The catalog version that came of it; null when none did. */
  readonly version: number | null
}

/**
 * Runs several writes as one: all of them or none, and one catalog.
 * @param message why, for the catalog version; left out, the actions are named
 */
export async function commitSteps<T>(
  home: Home,
  steps: readonly Step<T>[],
  message?: string,
): Promise<Committed<T>> {
  return retrying(async () => {
    const keyIds = new Set<string>()
    const done = await home.db.transaction().execute((db) => transact(home, db, { steps, message, keyIds }))
    await publish(home, { catalog: done.document !== null, keyIds: [...keyIds] })
    steps.forEach(({ intent }, index) => {
      const change = done.changes[index]
      if (change?.changed) told(home, intent, change.subjectId)
    })
    return { changes: done.changes, version: done.document?.version ?? null }
  })
}

export type Rehearsal = {
  readonly changes: readonly Change<unknown>[]
  /** What gateways would serve from; null when the catalog would stay as it is. */
  readonly document: CatalogDocument | null
  readonly differences: CatalogDifference[] | null
}

/** Carries the outcome of a rehearsal out of the transaction that it rolls back. */
class TakenBack extends Error {
  readonly rehearsal: Rehearsal
  constructor(rehearsal: Rehearsal) {
    super('a rehearsal was taken back')
    this.rehearsal = rehearsal
  }
}

/** Runs writes to their end, the catalog included, and takes them back. @throws what the writes would have thrown */
export async function tryChanges(home: Home, steps: readonly Step<unknown>[]): Promise<Rehearsal> {
  return retrying(async () => {
    const work = home.db.transaction().execute(async (db) => {
      const before = (await readCatalogDocument(db))?.document ?? null
      const { changes, document } = await transact(home, db, { steps, keyIds: new Set() })
      const differences = document === null ? null : catalogDifferences(before, document)
      throw new TakenBack({ changes, document, differences })
    })
    return work.catch((fault: unknown) => {
      if (fault instanceof TakenBack) return fault.rehearsal
      throw fault
    })
  })
}

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (fault) {
      if (tried === TRIES || !isSerialisationFault(fault)) throw fault
    }
  }
}

function told(home: Home, intent: Intent, subjectId: string): void {
  const { actor, requestId } = intent
  home.log('info', intent.action, { actor, subjectId, requestId })
}

type Transaction<T> = {
  readonly steps: readonly Step<T>[]
  readonly message?: string | undefined
  readonly keyIds: Set<string>
}

async function transact<T>(home: Home, db: Database, { steps, message, keyIds }: Transaction<T>) {
  const compiles = steps.some((step) => step.intent.changesCatalog)
  if (compiles) await lockCatalog(db)
  const changes: Change<T>[] = []
  const done: string[] = []
  const events: NewAuditEvent[] = []
  for (const { intent, work } of steps) {
    const context = contextOf(home, db, { ...intent, keyChanged: (id) => keyIds.add(id) })
    const change = await work(context)
    changes.push(change)
    if (!change.changed) continue
    events.push(await record(home, db, intent, change))
    if (intent.changesCatalog) done.push(change.message ?? `${intent.action} ${change.subjectId}`)
  }
  const document = await compileDone(home, db, { done, message, author: steps[0]?.intent.actor ?? '' })
  // Last, because whoever holds the head of the audit log should wait for nothing else.
  await appendAuditEvents(db, events, home.audit)
  return { changes, document }
}

type DoneSteps = { done: readonly string[]; message: string | undefined; author: string }

async function compileDone(home: Home, db: Database, { done, message, author }: DoneSteps) {
  const [first, ...more] = done
  if (first === undefined) return null
  const why = message ?? (more.length === 0 ? first : `${first} and ${more.length} more`)
  return compileCatalog(db, { nowMs: home.clock.nowMs(), author, message: why })
}

/** The trace a change leaves: of something that is gone, what it was; and the audit event, still to be added. */
async function record(
  home: Home,
  db: Database,
  { actor, role, address, action, requestId }: Intent,
  change: Change<unknown> & { changed: true },
): Promise<NewAuditEvent> {
  const { subjectId, before, after } = change
  const nowMs = home.clock.nowMs()
  const at = new Date(nowMs).toISOString()
  if (after === null && before !== null) {
    await archiveThing(db, {
      id: subjectId,
      kind: action.split('.')[0] ?? '',
      archivedAt: at,
      archivedBy: actor,
      thing: before,
    })
  }
  const what = { action, subjectId, requestId, before, after }
  const who = { actor, role: role ?? null, address: address ?? null }
  return { id: home.newId('aud', nowMs), at, ...who, ...what, result: 'done', code: null }
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

type Doing = Pick<HandlerContext, 'actor' | 'keyChanged'> & { readonly permit?: Permit }

function contextOf(home: Home, db: Database, { actor, permit, keyChanged }: Doing): HandlerContext {
  const nowMs = home.clock.nowMs()
  return {
    db,
    actor,
    by: permit?.by ?? null,
    teamIds: permit?.teamIds ?? null,
    nowMs,
    now: new Date(nowMs).toISOString(),
    newId: (prefix) => home.newId(prefix, nowMs),
    digestKey: home.digestKey,
    ledger: home.ledger,
    audit: home.audit,
    sealer: home.sealer,
    servingGateways: home.servingGateways,
    fixedSettings: home.fixedSettings,
    allowLoopbackUpstreams: home.allowLoopbackUpstreams,
    receiverGuard: home.receiverGuard,
    keyChanged,
  }
}
