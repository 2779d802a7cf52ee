/**
 * Runs lists of writes: each item for itself, or all in one transaction. Items are found in the same table and
 * judged in the same way as requests of their own, so a list opens no door that is closed otherwise.
 */
import type { Batch, BatchItem } from '@headgate/admin-contract/batch'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { wirePointer } from '@headgate/admin-contract/wire'
import { commitSteps, type Home, type Step } from '../change.ts'
import { isSerialisationFault } from '../database/fault.ts'
import type { Actor } from '../resources/context.ts'
import { permit } from './permit.ts'
import type { Place } from './places.ts'
import { problemBody, toProblem } from './problem.ts'
import { recordRefusal } from './refusals.ts'
import { type Done, type InboundRequest, type PreparedWrite, prepareWrite } from './run-operation.ts'

export type Lister = {
  readonly home: Home
  readonly by: Actor
  readonly places: ReadonlyMap<string, Place>
  readonly request: Pick<InboundRequest, 'id' | 'address' | 'idempotencyKey'>
}

/** Does a batch. @throws AdminProblem when it is atomic and one of its items was refused */
export async function runBatch({ items, atomic }: Batch, lister: Lister): Promise<Done> {
  const results = atomic ? await allOrNone(items, lister) : await oneByOne(items, lister)
  const succeeded = results.filter((it) => it.problem === null).length
  const body = JSON.stringify({ data: results, succeeded, failed: results.length - succeeded })
  return { status: 200, body, headers: {} }
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

async function allOrNone(items: readonly BatchItem[], lister: Lister): Promise<Result[]> {
  const writes = await prepareItems(items, lister)
  const { changes } = await commitSteps(
    lister.home,
    writes.map((write) => write.step),
  )
  return writes.map((write, index) => resultOf(write.answer(changes[index])))
}

/**
 * Judges all items as far as that can be done without the database. What they throw, now or later, points to
 * the item at fault.
 */
export async function prepareItems(items: readonly BatchItem[], lister: Lister): Promise<PreparedWrite[]> {
  const writes: PreparedWrite[] = []
  for (const [index, item] of items.entries()) {
    const { step, answer } = await pointing(index, () => prepareItem(item, index, lister))
    writes.push({ step: pointingStep(index, step), answer })
  }
  return writes
}

async function prepareItem(
  item: BatchItem,
  index: number,
  { home, by, places, request }: Lister,
): Promise<PreparedWrite> {
  const place = places.get(item.operation)
  if (place === undefined || place.it.method === 'GET') throw unknownOperation()
  const permitted = permit(by, place.it)
  const { id, address, idempotencyKey } = request
  return prepareWrite(place, {
    permit: permitted,
    home,
    sent: { params: paramsOf(place, item), query: {}, body: item.body },
    request: {
      id,
      address,
      ifMatch: item.ifMatch ?? (place.reader === null ? undefined : '*'),
      idempotencyKey: idempotencyKey === undefined ? undefined : `${idempotencyKey}.${index}`,
    },
  })
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
