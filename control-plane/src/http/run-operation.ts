/**
 * One request of the admin API, in the order it is judged: who asks, may they, is it well formed; then the
 * handler, in a transaction with its audit event where it writes.
 */
import type { Change, Operation, WriteOperation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { DEPTH_MAX, renameKeys } from '@headgate/admin-contract/wire'
import { z } from 'zod'
import { commitChange, type Home, readOnly } from '../change.ts'
import { type HandlerContext, notFound } from '../resources/context.ts'
import { shapeProblem } from './problem.ts'
import { requireRole, type SignIn } from './sign-in.ts'

export type InboundRequest = {
  readonly id: string
  readonly authorization: string | undefined
  readonly params: Readonly<Record<string, string>>
  readonly query: unknown
  /** Undefined when none was sent. */
  readonly body: unknown
}

type LooseCall = { params: unknown; query: unknown; body: unknown }

/** A handler without its types, as the walk over the table meets it. */
export type LooseHandler = (call: LooseCall, context: HandlerContext) => Promise<unknown>

export type Doer = { readonly home: Home; readonly signIn: SignIn }

/** Nothing is asked for, so nothing may be sent. */
const Nothing = z.strictObject({})
const ID_FORM = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Does one operation.
 * @returns status and body in the words of the wire
 * @throws AdminProblem, or whatever else went wrong
 */
export async function runOperation(
  it: Operation,
  handler: LooseHandler,
  { home, signIn }: Doer,
  request: InboundRequest,
): Promise<{ status: number; body: unknown }> {
  const actor = signIn(request.authorization)
  requireRole(actor, it.role)
  const call = {
    params: readParams(request.params),
    query: readQuery(it, request.query),
    body: readBody(it, request.body),
  }
  if (it.method === 'GET') {
    const reply = await readOnly(home, (context) => handler(call, context))
    return { status: 200, body: it.download === true ? reply : renameKeys(reply) }
  }
  const intent = {
    actor: actor.name,
    action: it.audit,
    requestId: request.id,
    changesCatalog: it.changesCatalog,
  }
  // The table of handlers says that a write gives a Change; the walk over it cannot know.
  const reply = await commitChange(
    home,
    intent,
    (context) => handler(call, context) as Promise<Change<unknown>>,
  )
  return { status: it.status, body: renameKeys(reply) }
}

/** What cannot be an id is not looked up: some of it the database could not even be asked for. */
function readParams(params: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const value of Object.values(params)) if (!ID_FORM.test(value)) throw notFound()
  return params
}

function readQuery(it: Operation, query: unknown): unknown {
  const parsed = (it.query ?? Nothing).safeParse(renameKeys(query))
  if (!parsed.success) throw shapeProblem(parsed.error, 'query')
  return it.query === undefined ? undefined : parsed.data
}

function readBody(it: Operation, body: unknown): unknown {
  if (it.method === 'GET') return undefined
  const shape = bodyShapeOf(it)
  const parsed = shape.safeParse(body === undefined && it.body === undefined ? {} : renamed(body))
  if (!parsed.success) throw shapeProblem(parsed.error, 'body')
  return it.body === undefined ? undefined : parsed.data
}

function bodyShapeOf(it: WriteOperation): z.ZodType {
  return it.body ?? Nothing
}

function renamed(body: unknown): unknown {
  try {
    return renameKeys(body)
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault
    throw new AdminProblem('invalid_request', `The body is nested deeper than ${DEPTH_MAX} levels.`)
  }
}
