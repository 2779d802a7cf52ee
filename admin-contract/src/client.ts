/**
 * The admin API as functions: `adminClient(…).keys.create({ body })`. A typed fetch over the table, the same
 * in Node and in the browser; what the server refuses is thrown as `AdminProblem`.
 */
import { redact } from '@headgate/domain/redaction'
import type { Download } from './download.ts'
import { DryRun } from './dry-run.ts'
import { EVENT_STREAM, PROBLEM_EVENT, receivedEvents, type StreamEvent } from './event-stream.ts'
import { API_ROOT, type Contract, contract } from './index.ts'
import type { InputOf, Operation, ReplyOf } from './operation.ts'
import { AdminProblem, Problem } from './problem.ts'
import { renameKey, renameKeys } from './wire.ts'

const TIMEOUT_MS = 30_000
/** A file may be of any size. */
const DOWNLOAD_TIMEOUT_MS = 60 * 60_000

export type AdminClientPlan = {
  /** Such as http://127.0.0.1:7401. */
  readonly origin: string
  /** The admin token; absent where a session cookie speaks for the user. */
  readonly token?: string
  /** Replaces the global fetch, for tests. */
  readonly fetch?: typeof fetch
}

type Ask<T extends Operation> =
  Record<never, never> extends InputOf<T>
    ? (input?: InputOf<T>) => Promise<ReplyOf<T>>
    : (input: InputOf<T>) => Promise<ReplyOf<T>>

/** Of a write, what it would change. */
type Try<T extends Operation> = (input: InputOf<T> & { readonly dryRun: true }) => Promise<DryRun>

type Call<T extends Operation> = T extends { readonly method: 'GET' } ? Ask<T> : Try<T> & Ask<T>

/** One function for each operation of the table. */
export type AdminClient = {
  readonly [Word in keyof Contract]: {
    readonly [Name in keyof Contract[Word]]: Contract[Word][Name] extends Operation
      ? Call<Contract[Word][Name]>
      : never
  }
} & {
  /** The ETag that came with a reply, for `ifMatch`; undefined for what is no reply of this client. */
  readonly etagOf: (reply: object) => string | undefined
}

type LooseInput = {
  params?: Record<string, string>
  query?: object
  body?: unknown
  ifMatch?: string
  idempotencyKey?: string
  dryRun?: true
}

/**
 * Makes the client. Its functions reject with `AdminProblem` when the server says no, and with fetch's own
 * error when the server cannot be reached within 30 seconds.
 */
export function adminClient(plan: AdminClientPlan): AdminClient {
  const etags = new WeakMap<object, string>()
  const words = Object.entries(contract).map(([word, operations]) => [
    word,
    Object.fromEntries(
      Object.entries(operations).map(([name, it]) => [
        name,
        async (input: LooseInput = {}) => {
          const { reply, etag } = await send(plan, it as Operation, input)
          if (etag !== null && typeof reply === 'object' && reply !== null) etags.set(reply, etag)
          return reply
        },
      ]),
    ),
  ])
  // The one place where the walk over the table loses its types; AdminClient states them again.
  return {
    ...Object.fromEntries(words),
    etagOf: (reply: object) => etags.get(reply),
  } as AdminClient
}

async function send(plan: AdminClientPlan, it: Operation, input: LooseInput) {
  const patience = patienceFor(it)
  const request: RequestInit = {
    method: it.method,
    signal: patience.signal,
    headers: {
      accept: it.events === true ? EVENT_STREAM : 'application/json',
      ...(plan.token === undefined ? {} : { authorization: `Bearer ${plan.token}` }),
      ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...writeHeaders(it, input),
    },
  }
  if (input.body !== undefined) request.body = JSON.stringify(renameKeys(input.body))
  const answer = await (plan.fetch ?? fetch)(addressOf(plan.origin, it, input), request).finally(patience.end)
  if (it.download === true && answer.ok) return { reply: downloadOf(answer), etag: null }
  if (it.events === true && answer.ok) return { reply: eventsOf(answer, it), etag: null }
  const text = await answer.text()
  if (!answer.ok) throw problemOf(answer, text)
  const shape = input.dryRun === true ? DryRun : it.reply
  return { reply: shape.parse(renameKeys(JSON.parse(text))), etag: answer.headers.get('etag') }
}

/** How long to wait: of a stream, until it begins. */
function patienceFor(it: Operation): { signal: AbortSignal; end(): void } {
  if (it.events !== true) {
    const ms = it.download === true ? DOWNLOAD_TIMEOUT_MS : TIMEOUT_MS
    return { signal: AbortSignal.timeout(ms), end: () => {} }
  }
  const late = new AbortController()
  const timer = setTimeout(
    () => late.abort(new DOMException('it did not begin in time', 'TimeoutError')),
    TIMEOUT_MS,
  )
  return { signal: late.signal, end: () => clearTimeout(timer) }
}

/** Ends when the connection does. @throws AdminProblem when the server says why it ends it */
async function* eventsOf(answer: Response, it: Operation): AsyncGenerator<StreamEvent<unknown>> {
  if (answer.body === null) return
  for await (const { id, event, data } of receivedEvents(answer.body)) {
    if (event === PROBLEM_EVENT) throw problemOf(answer, data)
    yield { id, data: it.reply.parse(renameKeys(JSON.parse(data))) }
  }
}

/** Who does not say what they have seen, changes it whatever it is. */
function writeHeaders(it: Operation, { ifMatch, idempotencyKey }: LooseInput): Record<string, string> {
  const isGuarded = it.method === 'PUT' || it.method === 'PATCH' || it.method === 'DELETE'
  return {
    ...(isGuarded || ifMatch !== undefined ? { 'if-match': ifMatch ?? '*' } : {}),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  }
}

function downloadOf({ headers, body }: Response): Download {
  return {
    fileName: /filename="([^"]+)"/.exec(headers.get('content-disposition') ?? '')?.[1] ?? 'download',
    contentType: headers.get('content-type') ?? '',
    body: body ?? new ReadableStream<Uint8Array>(),
  }
}

function addressOf(origin: string, it: Operation, input: LooseInput): string {
  const path = it.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = input.params?.[name]
    if (value === undefined || value === '') throw new Error(`${it.method} ${it.path} needs ${name}`)
    return encodeURIComponent(value)
  })
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value !== undefined) query.set(renameKey(name), String(value))
  }
  if (input.dryRun === true) query.set('dry_run', 'true')
  const asked = query.toString()
  return `${origin.replace(/\/$/, '')}${API_ROOT}${path}${asked === '' ? '' : `?${asked}`}`
}

/** Something between us and the server may answer with anything, so its text is not trusted. */
function problemOf(answer: Response, text: string): AdminProblem {
  const { status } = answer
  const etag = answer.headers.get('etag')
  const parsed = Problem.safeParse(renameKeys(parseOrNull(text)))
  if (!parsed.success) {
    return new AdminProblem('internal_error', `HTTP ${status} without a problem body: ${redact(text, 200)}`, {
      status,
    })
  }
  const { code, detail, errors, requestId } = parsed.data
  return new AdminProblem(code, detail, {
    status: parsed.data.status,
    faults: errors,
    requestId,
    ...(etag === null ? {} : { etag }),
  })
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
