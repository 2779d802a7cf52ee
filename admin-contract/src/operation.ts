/**
 * An operation is one thing the admin API can do, as data: method, path, right, shapes. The server walks the
 * table of them, the client calls it, the OpenAPI document is printed from it; none can say anything else.
 * Without a right, a write without `audit`, or a table entry without a handler, it does not compile.
 */
import type { Right } from '@headgate/domain/right'
import type { z } from 'zod'
import type { EventSource, StreamEvent } from './event-stream.ts'

type Shared = {
  /** Below /api/v1; parameters in braces: `/keys/{keyId}`. */
  readonly path: `/${string}`
  /**
   * The right it needs. `signed-in` is for what concerns whoever asks and nobody else; `of-each-item` for a list of
   * writes that each need their own.
   */
  readonly right: Right | 'signed-in' | 'of-each-item'
  /** One line for the reference. */
  readonly summary: string
  /** What is said where nothing has the id in the path, when there is more to say than that. */
  readonly missing?: string
  readonly query?: z.ZodType
  readonly reply: z.ZodType
}

export type ReadOperation = Shared & {
  readonly method: 'GET'
  readonly body?: never
  /** What it shows goes on changing by itself, so nobody is held to the state that they saw unless they say so. */
  readonly isLive?: true
} & (
    | { readonly audit?: never; readonly download?: never; readonly events?: never }
    /** Its reply is a file (`Download`), not JSON: data leaves, so it leaves an event too. */
    | { readonly audit: `${string}.${string}`; readonly download: true; readonly events?: never }
    /** Its replies are events, each of that shape, over a connection that stays open. */
    | { readonly audit?: never; readonly download?: never; readonly events: true }
  )

export type WriteOperation = Shared & {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** The action named in the audit event, as `thing.done`. A list of writes leaves the events of its items. */
  readonly audit: `${string}.${string}` | 'of-each-item'
  /** True when it changes what the catalog holds, so that the catalog is compiled with it or the write fails. */
  readonly changesCatalog: boolean
  /** 201 where something new is there afterwards. */
  readonly status: 200 | 201
  readonly body?: z.ZodType
  /** True where the body is meant to hold a secret; everywhere else one is refused. */
  readonly takesSecret?: true
  readonly download?: never
  readonly events?: never
}

export type Operation = ReadOperation | WriteOperation

/** The operations of one resource by what they do: `list`, `create`, `read`. */
export type Operations = Readonly<Record<string, Operation>>

/** Makes an operation, keeping its exact type. */
export function operation<const T extends Operation>(it: T): T {
  return it
}

/** The parameters a path names: `/keys/{keyId}` gives `{ keyId: string }`. */
export type PathParams<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<Rest>
  : unknown

type Accepted<T> = T extends z.ZodType ? z.output<T> : undefined
type Sendable<T> = T extends z.ZodType ? z.input<T> : undefined

/** What a handler is called with: everything parsed, defaults filled in. */
export type CallOf<T extends Operation> = {
  readonly params: PathParams<T['path']>
  readonly query: Accepted<T['query']>
  readonly body: Accepted<T['body']>
}

/** What an operation answers with, before it is written in snake_case. */
export type ReplyOf<T extends Operation> = T extends { readonly events: true }
  ? AsyncIterable<StreamEvent<z.output<T['reply']>>>
  : z.output<T['reply']>

/**
 * What a write has to tell besides its reply, for the audit event. `changed: false` is for a repeat that
 * found everything as it should be, and leaves no event.
 */
export type Change<Reply> =
  | {
      readonly changed: true
      readonly reply: Reply
      readonly subjectId: string
      readonly before: unknown
      readonly after: unknown
      /** Why, for the catalog version that comes of it; left out, the action is named. */
      readonly message?: string
    }
  | { readonly changed: false; readonly reply: Reply }

type Answer<T extends Operation> = T extends { readonly events: true }
  ? EventSource<z.output<T['reply']>>
  : T extends { readonly method: 'GET' }
    ? ReplyOf<T>
    : Change<ReplyOf<T>>

/** One handler per operation of the group, no more and no fewer. */
export type Handlers<Group extends Operations, Context> = {
  readonly [Name in keyof Group]: (
    call: CallOf<Group[Name]>,
    context: Context,
  ) => Promise<Answer<Group[Name]>>
}

/**
 * What every write takes besides: `ifMatch` is the ETag the thing is expected to have (left out, any will do),
 * `idempotencyKey` makes a repeat answer what the first one did.
 */
type WriteOptions = { readonly ifMatch?: string; readonly idempotencyKey?: string }

type OptionalIfEmpty<Key extends string, T> = [T] extends [undefined]
  ? unknown
  : Record<never, never> extends T
    ? { readonly [K in Key]?: T }
    : { readonly [K in Key]: T }

type ParamsInput<T> = unknown extends T ? unknown : { readonly params: T }

/** What a client passes for an operation: parameters and body where it has them, the query where it likes. */
export type InputOf<T extends Operation> = ParamsInput<PathParams<T['path']>> &
  OptionalIfEmpty<'query', Sendable<T['query']>> &
  OptionalIfEmpty<'body', Sendable<T['body']>> &
  (T extends { readonly method: 'GET' } ? unknown : WriteOptions)

/**
 * The operation that reads the one thing this one writes: at the same path. Writes that have one and are no POST need
 * `If-Match`; there is nothing else to compare with.
 */
export function readerOf(group: Operations, it: Operation): ReadOperation | undefined {
  if (it.method === 'GET' || it.method === 'POST') return undefined
  return Object.values(group).find(
    (other): other is ReadOperation =>
      other.method === 'GET' && other.path === it.path && it.path.includes('{'),
  )
}

/**
 * The path of the thing that an action is done to: `/keys/{keyId}` of `POST /keys/{keyId}/revocation`. An action needs no
 * `If-Match`, and heeds it where the thing can be read. Null for what is no action on one thing.
 */
export function actedOnPath({ method, path }: Operation): string | null {
  const end = path.lastIndexOf('}') + 1
  return method === 'POST' && end > 0 ? path.slice(0, end) : null
}

/** Whether this write answers with the very thing that a read of its group shows, so that both have one ETag. */
export function answersWithThing(group: Operations, it: Operation): boolean {
  return Object.values(group).some((other) => other.method === 'GET' && other.reply === it.reply)
}
