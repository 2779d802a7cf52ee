/**
 * From what came over the wire to what a handler is called with: parameters, query and body, renamed and held
 * against the shapes of the operation. Whatever does not fit is refused by name.
 */
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { DEPTH_MAX, renameKeys } from '@headgate/admin-contract/wire'
import { z } from 'zod'
import { notFound } from '../resources/context.ts'
import type { LooseCall } from './places.ts'
import { shapeProblem } from './problem.ts'

/** Nothing is asked for, so nothing may be sent. */
const Nothing = z.strictObject({})
const ID_FORM = /^[A-Za-z0-9_-]{1,64}$/

/** Query strings hold text only. */
const DryRunFlag = z.object({ dryRun: z.enum(['true', 'false']).optional() })

export type Sent = {
  readonly params: Readonly<Record<string, string>>
  /** With its keys renamed already. */
  readonly query: unknown
  /** The same; undefined when none was sent. */
  readonly body: unknown
}

/** @throws AdminProblem `not_found` or `invalid_request` */
export function readCall(it: Operation, sent: Sent): LooseCall {
  return {
    params: readParams(it, sent.params),
    query: readQuery(it, sent.query),
    body: readBody(it, sent.body),
  }
}

/** What cannot be an id is not looked up: some of it the database could not even be asked for. */
function readParams(
  { missing }: Operation,
  params: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  for (const value of Object.values(params)) if (!ID_FORM.test(value)) throw notFound(missing)
  return params
}

function readQuery(it: Operation, query: unknown): unknown {
  const shape = it.query ?? Nothing
  const parsed = shape.safeParse(query)
  if (!parsed.success) throw shapeProblem(parsed.error, 'query', shape)
  return it.query === undefined ? undefined : parsed.data
}

function readBody(it: Operation, body: unknown): unknown {
  if (it.method === 'GET') return undefined
  const shape = it.body ?? Nothing
  const parsed = shape.safeParse(body === undefined && it.body === undefined ? {} : body)
  if (!parsed.success) throw shapeProblem(parsed.error, 'body', shape)
  return it.body === undefined ? undefined : parsed.data
}

/** Parts `dry_run`, which every write takes, from what the operation itself takes. */
export function partDryRun(it: Operation, query: unknown): { isDryRun: boolean; query: unknown } {
  if (it.method === 'GET' || query === null || typeof query !== 'object') return { isDryRun: false, query }
  const { dryRun, ...rest } = query as Record<string, unknown>
  const parsed = DryRunFlag.safeParse({ dryRun })
  if (!parsed.success) throw shapeProblem(parsed.error, 'query', DryRunFlag)
  return { isDryRun: parsed.data.dryRun === 'true', query: rest }
}

/** Renames what a stranger sent. @throws AdminProblem `invalid_request` when it is nested too deeply */
export function renamed(body: unknown): unknown {
  try {
    return renameKeys(body)
  } catch (fault) {
    if (!(fault instanceof RangeError)) throw fault
    throw new AdminProblem('invalid_request', `The body is nested deeper than ${DEPTH_MAX} levels.`)
  }
}
