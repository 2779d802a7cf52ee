/**
 * Failed attempts are audit events too: every write that was refused or failed, and whoever was turned away from
 * anything. Written after the attempt, in a transaction of its own; if that fails, the log has the line.
 */
import type { Operation } from '@headgate/admin-contract/operation'
import { rolesOf } from '@headgate/domain/access'
import type { Home } from '../change.ts'
import { appendAuditEvents } from '../resources/audit-events/append.ts'
import type { Actor } from '../resources/context.ts'
import { toProblem } from './problem.ts'

export type Attempt = {
  readonly it: Operation
  readonly request: {
    readonly id: string
    readonly address: string
    readonly params: Readonly<Record<string, string>>
    readonly query: unknown
  }
  /** Null until known: a stranger. */
  actor: Actor | null
}

const SUBJECT = /^[A-Za-z0-9_-]{1,64}$/

/** Does the work, and records the attempt where it was one and failed. @throws what the work threw */
export async function recordingRefusals<T>(
  home: Home,
  start: Omit<Attempt, 'actor'>,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const attempt: Attempt = { ...start, actor: null }
  try {
    return await work(attempt)
  } catch (fault) {
    await recordRefusal(home, attempt, fault)
    throw fault
  }
}

/** Never throws: the refusal itself is what must be answered. */
export async function recordRefusal(home: Home, attempt: Attempt, fault: unknown): Promise<void> {
  const problem = toProblem(fault)
  const isTurnedAway = problem.code === 'unauthenticated' || problem.code === 'forbidden'
  if (!isTurnedAway && (attempt.it.method === 'GET' || isRehearsal(attempt.request.query))) return
  const nowMs = home.clock.nowMs()
  const actor = attempt.actor?.name ?? 'anonymous'
  const unrecorded = home.audit.pace.take(actor, nowMs)
  if (unrecorded === null) return
  const event = {
    id: home.newId('aud', nowMs),
    at: new Date(nowMs).toISOString(),
    actor,
    role: attempt.actor === null ? null : rolesOf(attempt.actor.access),
    address: attempt.request.address,
    action: actionOf(attempt.it),
    subjectId: subjectOf(attempt.request.params),
    requestId: attempt.request.id,
    result: problem.status >= 500 ? ('failed' as const) : ('refused' as const),
    code: problem.code,
    before: null,
    // What was sent is left out: it may be anything.
    after: unrecorded === 0 ? null : { unrecordedBefore: unrecorded },
  }
  try {
    await home.db.transaction().execute((db) => appendAuditEvents(db, [event], home.audit))
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    home.log('warn', 'a failed attempt could not be recorded', {
      actor,
      action: event.action,
      requestId: event.requestId,
      reason,
    })
  }
}

function isRehearsal(query: unknown): boolean {
  return (query as { dry_run?: unknown } | null)?.dry_run === 'true'
}

/** Reads and lists of writes have no action of their own: they are named after their path. */
function actionOf({ audit, path, method }: Operation): string {
  if (audit !== undefined && audit !== 'of-each-item') return audit
  const word = path.split('/')[1] ?? ''
  return `${word}.${method === 'GET' ? 'read' : 'run'}`
}

/** The last id of the path: of the thing itself. */
function subjectOf(params: Readonly<Record<string, string>>): string | null {
  const id = Object.values(params).at(-1)
  return id !== undefined && SUBJECT.test(id) ? id : null
}
