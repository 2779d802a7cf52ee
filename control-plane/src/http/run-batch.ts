/**
 * Runs lists of writes: each item for itself, or all in one transaction. Items are found in the same table and
 * judged in the same way as requests of their own, so a list opens no door that is closed otherwise.
 */
import type { Batch, BatchItem } from '@headgate/admin-contract/batch'
import type { DryRun } from '@headgate/admin-contract/dry-run'
import type { WriteOperation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { renameKeys, wirePointer } from '@headgate/admin-contract/wire'
import { commitSteps, type Home, type Step, tryChanges } from '../change.ts'
import { isSerialisationFault } from '../database/fault.ts'
import type { Actor } from '../resources/context.ts'
import { type Made, refuseLaterRefs, withIds } from './batch-refs.ts'
import { permit } from './permit.ts'
import type { Place } from './places.ts'
import { problemBody, toProblem } from './problem.ts'
import { recordRefusal } from './refusals.ts'
import {
  type Done,
  type InboundRequest,
  intentOf,
  type PreparedWrite,
  prepareWrite,
} from './run-operation.ts'

export type Lister = {
  readonly home: Home
  readonly by: Actor
  readonly places: ReadonlyMap<string, Place>
  readonly request: Pick<InboundRequest, 'id' | 'address' | 'idempotencyKey'>
}

/** Does a batch. @throws AdminProblem when it is atomic and one of its items was refused */
export async function runBatch(batch: Batch, lister: Lister): Promise<Done> {
  const results = batch.atomic ? await allOrNone(batch, lister) : await oneByOne(batch.items, lister)
  const succeeded = results.filter((it) => it.problem === null).length
  const body = JSON.stringify({ data: results, succeeded, failed: results.length - succeeded })
  return { status: 200, body, headers: {} }
}

/** Tries a batch and takes it back. @throws AdminProblem for what a batch of its kind would be refused for */
export async function rehearseBatch({ items, atomic }: Batch, lister: Lister): Promise<Done> {
  if (!atomic) throw rehearsesTogether()
  const steps = (await prepareItems(items, lister)).map((write) => write.step)
  const { changes, differences } = await tryChanges(lister.home, steps)
  const run: DryRun = {
    ...{ changed: changes.some((it) => it.changed), subjectId: null },
    ...{ before: null, after: null, catalog: differences },
  }
  return { status: 200, body: JSON.stringify(renameKeys(run)), headers: {} }
}

function rehearsesTogether(): AdminProblem {
  const message = 'items that are done one by one cannot be tried as one'
  return new AdminProblem('invalid_request', `?dry_run: ${message}.`, {
    faults: [
      { pointer: '?dry_run', code: 'not_atomic', message, fix: 'Send atomic: true, or try each by itself.' },
    ],
  })
}

type Result = { readonly status: number; readonly body: unknown; readonly problem: unknown }

async function oneByOne(items: readonly BatchItem[], lister: Lister): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, item] of items.entries()) {
    try {
      const write = await prepareItem(item, index, lister)
      results.push(resultOf(write.answer((await commitSteps(lister.home, [write.step])).changes[0])))
    } catch (fault) {
      await recordItem(item, lister, fault)
      results.push(refusalOf(fault, lister))
    }
  }
  return results
}

/** An item is an attempt of its own, since the batch goes on without it. */
async function recordItem(
  { operation, params }: BatchItem,
  { home, by, places, request }: Lister,
  fault: unknown,
): Promise<void> {
  const it = places.get(operation)?.it
  if (it === undefined) return
  await recordRefusal(home, { it, request: { ...request, params, query: {} }, actor: by }, fault)
}

async function allOrNone({ items, message }: Batch, lister: Lister): Promise<Result[]> {
  const writes = await prepareItems(items, lister)
  const steps = writes.map((write) => write.step)
  const { changes } = await commitSteps(lister.home, steps, message)
  return writes.map((write, index) => resultOf(write.answer(changes[index])))
}

/**
 * Judges all items as far as that can be done without the database. What they throw, now or later, points to
 * the item at fault.
 */
export async function prepareItems(items: readonly BatchItem[], lister: Lister): Promise<PreparedWrite[]> {
  const writes: PreparedWrite[] = []
  const made: Made = []
  for (const [index, item] of items.entries()) {
    const prepare = () =>
      (item.refs ?? []).length === 0
        ? prepareItem(item, index, lister)
        : deferItem(item, index, { lister, made })
    const { step, answer } = await pointing(index, prepare)
    writes.push({ step: pointingStep(index, noting(made, index, step)), answer })
  }
  return writes
}

/** Notes the id of what an item made. A repeat answers with the thing alone. */
function noting(made: Made, index: number, { intent, work }: Step<unknown>): Step<unknown> {
  return {
    intent,
    work: async (context) => {
      const change = await work(context)
      made[index] = change.changed ? change.subjectId : (change.reply as { id?: string } | null)?.id
      return change
    },
  }
}

/** An item that needs ids of earlier ones is judged when they are there; whether it may be done at all, at once. */
async function deferItem(
  item: BatchItem,
  index: number,
  { lister, made }: { lister: Lister; made: Made },
): Promise<PreparedWrite> {
  const place = placeOf(item, lister)
  refuseLaterRefs(item, index)
  const { by, request } = lister
  const intent = intentOf(place.it as WriteOperation, {
    permit: permit(by, place.it),
    request: { ...request, ifMatch: item.ifMatch },
  })
  // Set anew each time the work is run; what counts is the run that was committed.
  let prepared: PreparedWrite | null = null
  return {
    step: {
      intent,
      work: async (context) => {
        prepared = await prepareItem(withIds(item, made), index, lister)
        return prepared.step.work(context)
      },
    },
    answer: (change) => {
      if (prepared === null) throw new Error('an item was answered before it was done')
      return prepared.answer(change)
    },
  }
}

async function prepareItem(item: BatchItem, index: number, lister: Lister): Promise<PreparedWrite> {
  const { home, by, request } = lister
  const place = placeOf(item, lister)
  const permitted = permit(by, place.it)
  const { id, address, idempotencyKey } = request
  return prepareWrite(place, {
    permit: permitted,
    home,
    sent: { params: paramsOf(place, item), query: {}, body: item.body },
    request: {
      id,
      address,
      ifMatch: item.ifMatch ?? (place.isGuarded ? '*' : undefined),
      idempotencyKey: idempotencyKey === undefined ? undefined : `${idempotencyKey}.${index}`,
    },
  })
}

function placeOf({ operation }: BatchItem, { places }: Lister): Place {
  const place = places.get(operation)
  if (place === undefined || place.it.method === 'GET') throw unknownOperation()
  return place
}

/** The parameters that the path names, all of them and no others. */
function paramsOf({ it }: Place, { params }: BatchItem): Record<string, string> {
  const names = [...it.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
  const wrong = [...new Set([...names, ...Object.keys(params)])].find(
    (name) => !names.includes(name) || params[name] === undefined,
  )
  if (wrong === undefined) return params
  const isMissing = names.includes(wrong)
  throw new AdminProblem(
    'invalid_request',
    `The parameters of ${it.path} are ${names.join(', ') || 'none'}.`,
    {
      faults: [
        {
          pointer: wirePointer(['params', wrong]),
          code: isMissing ? 'missing' : 'unknown_field',
          message: isMissing ? 'is missing' : 'there is no such parameter',
          fix: isMissing ? 'Add it.' : 'Remove it, or correct its name.',
        },
      ],
    },
  )
}

function unknownOperation(): AdminProblem {
  return new AdminProblem('invalid_request', 'operation: there is no such write.', {
    faults: [
      {
        pointer: '/operation',
        code: 'unknown_operation',
        message: 'there is no such write',
        fix: 'Send the operationId of a write in /api/openapi.json.',
      },
    ],
  })
}

function resultOf(done: Done): Result {
  return { status: done.status, body: JSON.parse(done.body), problem: null }
}

function refusalOf(fault: unknown, { home, request }: Lister): Result {
  const problem = toProblem(fault)
  if (problem.code === 'internal_error') {
    const reason = fault instanceof Error ? fault.message : String(fault)
    home.log('error', 'an item of a batch failed', { requestId: request.id, reason })
  }
  const body = problemBody(problem, { id: request.id, path: '/api/v1/batch' })
  return { status: problem.status, body: null, problem: JSON.parse(body) }
}

function pointingStep(index: number, { intent, work }: Step<unknown>): Step<unknown> {
  return {
    intent,
    work: (context) => pointing(index, () => work(context)),
  }
}

/** What another transaction caused is left as it is, because it is tried again. */
async function pointing<T>(index: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (fault) {
    const problem = toProblem(fault)
    if (isSerialisationFault(fault) || problem.code === 'internal_error') throw fault
    const at = `/items/${index}`
    const faults = problem.faults.map((one) => ({ ...one, pointer: at + one.pointer }))
    const itself = {
      pointer: at,
      code: problem.code,
      message: problem.message,
      fix: 'Change or remove this item.',
    }
    throw new AdminProblem(problem.code, `Nothing was changed, item ${index}: ${problem.message}`, {
      cause: fault,
      faults: faults.length > 0 ? faults : [itself],
      ...(problem.etag === null ? {} : { etag: problem.etag }),
    })
  }
}
