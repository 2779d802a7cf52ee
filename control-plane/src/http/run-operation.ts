/**
 * One request of the admin API, in the order it is judged: who asks, may they, is it well formed, is it a
 * repeat, is the thing what they saw; then the handler, in a transaction with its audit event where it writes.
 */
import { Readable } from 'node:stream'
import type { Download } from '@headgate/admin-contract/download'
import type { DryRun } from '@headgate/admin-contract/dry-run'
import type { EventSource } from '@headgate/admin-contract/event-stream'
import { API_ROOT } from '@headgate/admin-contract/index'
import type { Change, ReadOperation, WriteOperation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { renameKeys } from '@headgate/admin-contract/wire'
import { rolesOf } from '@headgate/domain/access'
import { sql } from 'kysely'
import {
  commitChange,
  commitSteps,
  type Home,
  type Permit,
  type Rehearsal,
  readOnly,
  type Step,
  scoped,
  tryChanges,
} from '../change.ts'
import {
  checkIdempotencyKey,
  type KeptReply,
  keepReply,
  type Repeatable,
  seekReply,
} from '../database/idempotent-replies.ts'
import type { Actor, HandlerContext } from '../resources/context.ts'
import { etagOf, ifMatchNeeded, listHolds, notAsSeen, nothingToCompare } from './etag.ts'
import type { OpenStream } from './event-streams.ts'
import { refuseLiteralSecrets } from './literal-secrets.ts'
import { permit } from './permit.ts'
import type { LooseCall, Place } from './places.ts'
import { partDryRun, readCall, renamed, type Sent } from './read-request.ts'
import { type Attempt, recordingRefusals } from './refusals.ts'
import type { Credentials, SignIn } from './sign-in.ts'

export type InboundRequest = {
  readonly id: string
  /** Where it came from. */
  readonly address: string
  readonly credentials: Credentials
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  /** After which event a stream goes on. */
  readonly lastEventId: string | undefined
  readonly idempotencyKey: string | undefined
  readonly params: Readonly<Record<string, string>>
  readonly query: unknown
  /** Undefined when none was sent. */
  readonly body: unknown
}

export type Doer = { readonly home: Home; readonly signIn: SignIn }

/** What is answered: `body` is JSON text in the words of the wire, empty with 304. */
export type Done = {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** In place of the body, for a file. */
  readonly stream?: Readable
  /** In place of the body, for what goes on. */
  readonly events?: OpenStream
}

/** Does one operation. @throws AdminProblem, or whatever else went wrong */
export function runOperation(place: Place, doer: Doer, request: InboundRequest): Promise<Done> {
  return recordingRefusals(doer.home, { it: place.it, request }, (attempt) =>
    tryOperation(place, doer, { request, attempt }),
  )
}

type Trying = { readonly request: InboundRequest; readonly attempt: Attempt }

async function tryOperation(
  place: Place,
  { home, signIn }: Doer,
  { request, attempt }: Trying,
): Promise<Done> {
  const { it } = place
  const by = await signIn(request.credentials, it.method)
  attempt.actor = by
  const permitted = permit(by, it)
  const { isDryRun, query } = partDryRun(it, renameKeys(request.query))
  const sent = { params: request.params, query, body: renamed(request.body) }
  if (it.method === 'GET' && it.events === true) {
    const from = request.lastEventId === undefined ? {} : { after: request.lastEventId }
    const call = readCall(it, { ...sent, query: { ...(sent.query as object), ...from } })
    const events = await readOnly(home, permitted, (context) => place.handler(call, context))
    const judge = () => judgeAnew({ it, permitted }, () => signIn(request.credentials, it.method))
    // What the type of the handler says, and the walk over the table cannot know.
    return { ...openStream, events: { caller: by.name, events: events as EventSource<unknown>, judge } }
  }
  if (it.method === 'GET') {
    const call = readCall(it, sent)
    const reply = await readOnly(home, permitted, (context) => place.handler(call, context))
    if (it.download !== true) return shown(reply, request.ifNoneMatch)
    await recordTaking(home, { it, by, request })
    return sentAsFile(reply as Download)
  }
  const write = prepareWrite(place, { permit: permitted, sent, request, home })
  if (!isDryRun) return write.answer((await commitSteps(home, [write.step])).changes[0])
  return rehearsed(await tryChanges(home, [write.step]))
}

const openStream = { status: 200, body: '', headers: {} }

/** A stream lasts longer than a request: who is asking, and what they may see, is looked up again and again. */
async function judgeAnew(
  { it, permitted }: { it: ReadOperation; permitted: Permit },
  signInAgain: () => Promise<Actor>,
): Promise<void> {
  const { teamIds } = permit(await signInAgain(), it)
  if (teamIds?.join() === permitted.teamIds?.join()) return
  throw new AdminProblem('stream_ended', 'What you may see has changed.')
}

type Taking = { readonly it: ReadOperation; readonly by: Actor; readonly request: InboundRequest }

/** A file that cannot be recorded is not sent. */
async function recordTaking(home: Home, { it, by, request }: Taking): Promise<void> {
  if (it.audit === undefined) return
  const intent = { ...doneBy(by, request), action: it.audit, requestId: request.id, changesCatalog: false }
  const subjectId = Object.values(request.params).at(-1) ?? ''
  await commitChange(home, intent, async () => ({
    changed: true,
    reply: null,
    subjectId,
    before: null,
    after: { query: renameKeys(request.query) },
  }))
}

/** Who does it, as audit events tell. */
export function doneBy({ name, access }: Actor, { address }: Pick<InboundRequest, 'address'>) {
  return { actor: name, role: rolesOf(access), address }
}

/** What a dry run answers. */
export function rehearsed({ changes: [change], differences }: Rehearsal): Done {
  const { changed, subjectId, before, after } = change?.changed
    ? change
    : { changed: false, subjectId: null, before: null, after: null }
  const run: DryRun = { changed, subjectId, before, after, catalog: differences }
  return { status: 200, body: JSON.stringify(renameKeys(run)), headers: {} }
}

/** Sent as it is read. A fault on the way breaks the connection, so that half a file does not look whole. */
function sentAsFile({ fileName, contentType, body }: Download): Done {
  const headers = { 'content-type': contentType, 'content-disposition': `attachment; filename="${fileName}"` }
  return { status: 200, body: '', headers, stream: Readable.from(body) }
}

function shown(reply: unknown, ifNoneMatch: string | undefined): Done {
  const body = renameKeys(reply)
  const etag = etagOf(body)
  const isKnown = ifNoneMatch !== undefined && listHolds(ifNoneMatch, etag, 'If-None-Match')
  return isKnown
    ? { status: 304, body: '', headers: { etag } }
    : { status: 200, body: JSON.stringify(body), headers: { etag } }
}

export type Write = {
  readonly permit: Permit
  readonly sent: Sent
  readonly request: Pick<InboundRequest, 'id' | 'address' | 'ifMatch' | 'idempotencyKey'>
  readonly home: Home
}

export type PreparedWrite = {
  readonly step: Step<unknown>
  /** What is answered once the step is committed. */
  answer(change: Change<unknown> | undefined): Done
}

/**
 * Judges a write as far as that can be done without the database.
 * @throws AdminProblem when it is refused already
 */
export function prepareWrite(place: Place, { permit, sent, request, home }: Write): PreparedWrite {
  const it = place.it as WriteOperation
  const call = readCall(it, sent)
  refuseLiteralSecrets(it, call.body)
  const { ifMatch, idempotencyKey } = request
  if (place.isGuarded && ifMatch === undefined) throw ifMatchNeeded()
  if (idempotencyKey !== undefined) checkIdempotencyKey(idempotencyKey)
  const repeatable =
    idempotencyKey === undefined
      ? null
      : { actor: permit.by.name, operation: place.name, key: idempotencyKey, request: { ...sent, ifMatch } }
  const intent = intentOf(it, { permit, request })
  // Set anew each time the work is run; what counts is the run that was committed.
  let kept: KeptReply | null = null
  const work = async (context: HandlerContext): Promise<Change<unknown>> => {
    kept = repeatable && (await seekReply(context.db, repeatable, home.digestKey))
    if (kept !== null) return { changed: false, reply: JSON.parse(kept.body) }
    await holdThing(call, context)
    if (ifMatch !== undefined) await checkPrecondition(place, { call, ifMatch, context })
    // The table of handlers says that a write gives a Change; the walk over it cannot know.
    const change = (await scoped(context, () => place.handler(call, context))) as Change<unknown>
    if (repeatable !== null) await keep(repeatable, { it, change, context, home })
    return change
  }
  const answer = (change: Change<unknown> | undefined): Done =>
    kept === null
      ? written(place, it.status, renameKeys(change?.reply))
      : { ...kept, headers: { 'idempotency-replayed': 'true' } }
  return { step: { intent, work }, answer }
}

/** What is meant by a write, as its audit event will tell. */
export function intentOf(
  { audit, changesCatalog }: WriteOperation,
  { permit, request }: Pick<Write, 'permit' | 'request'>,
): Step<unknown>['intent'] {
  return { ...doneBy(permit.by, request), action: audit, requestId: request.id, changesCatalog, permit }
}

type Keeping = { it: WriteOperation; change: Change<unknown>; context: HandlerContext; home: Home }

async function keep(repeatable: Repeatable, { it, change, context, home }: Keeping): Promise<void> {
  const reply = { status: it.status, body: JSON.stringify(renameKeys(change.reply)) }
  await keepReply(context.db, repeatable, { digestKey: home.digestKey, now: context.now, reply })
}

function written({ it, showsThing }: Place, status: number, body: unknown): Done {
  const headers: Record<string, string> = {}
  if (showsThing && it.method !== 'DELETE') headers['etag'] = etagOf(body)
  const id = (body as { id?: unknown } | null)?.id
  // What an action on a thing made lies elsewhere.
  if (status === 201 && typeof id === 'string' && !it.path.includes('{'))
    headers['location'] = `${API_ROOT}${it.path}/${id}`
  return { status, body: JSON.stringify(body), headers }
}

type Seen = { readonly call: LooseCall; readonly ifMatch: string; readonly context: HandlerContext }

/** Holds what a write names until its transaction ends, so that of two who saw the same only one wins. */
async function holdThing(call: LooseCall, { db }: HandlerContext): Promise<void> {
  const ids = Object.values(call.params as Record<string, string>)
  if (ids.length > 0) await sql`select pg_advisory_xact_lock(7406, hashtext(${ids.join(' ')}))`.execute(db)
}

async function checkPrecondition({ reader }: Place, { call, ifMatch, context }: Seen): Promise<void> {
  if (ifMatch.trim() === '*') return
  if (reader === null) throw nothingToCompare()
  const seen = { params: call.params, query: undefined, body: undefined }
  const current = await scoped(context, () => reader(seen, context))
  const etag = etagOf(renameKeys(current))
  if (!listHolds(ifMatch, etag, 'If-Match')) throw notAsSeen(etag)
}
