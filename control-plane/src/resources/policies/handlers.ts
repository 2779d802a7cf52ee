/** What the admin API does with policies. What a policy speaks of must exist, or a typing error would allow or deny nothing. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { policies } from '@headgate/admin-contract/policies'
import { AdminProblem, type Fault } from '@headgate/admin-contract/problem'
import { wirePointer } from '@headgate/admin-contract/wire'
import { danglingNames, type Policy, type PolicyChange } from '@headgate/domain/policy'
import type { Database } from '../../database/open.ts'
import { created, found, type HandlerContext } from '../context.ts'
import {
  deletePolicy,
  hasOwner,
  insertPolicy,
  listPolicies,
  lockPolicy,
  readNames,
  readPolicy,
  updatePolicy,
} from './queries.ts'

export const policiesHandlers: Handlers<typeof policies, HandlerContext> = {
  list: ({ query }, { db }) => listPolicies(db, query),
  read: async ({ params }, { db }) => found(await readPolicy(db, params.policyId)),
  create: async ({ body }, { db, newId, now }) => {
    await refuseUnknown(db, body)
    return created(await insertPolicy(db, { ...body, id: newId('pol'), createdAt: now }))
  },
  change: async ({ params, body }, { db }) => {
    const before = found(await lockPolicy(db, params.policyId))
    const change = differences(before, body)
    if (Object.keys(change).length === 0) return { changed: false, reply: before }
    await refuseUnknown(db, change)
    const after = await updatePolicy(db, before.id, change)
    return { changed: true, reply: after, subjectId: after.id, before, after }
  },
  remove: async ({ params }, { db }) => {
    const before = found(await deletePolicy(db, params.policyId))
    return { changed: true, reply: before, subjectId: before.id, before, after: null }
  },
}

/** The fields that would not be what they are already. */
function differences(before: Policy, change: PolicyChange): PolicyChange {
  const fields = Object.keys(change) as (keyof PolicyChange)[]
  const same = (field: keyof PolicyChange) => JSON.stringify(before[field]) === JSON.stringify(change[field])
  return Object.fromEntries(fields.filter((it) => !same(it)).map((field) => [field, change[field]]))
}

/** @throws AdminProblem with one fault for each name, id or owner that does not exist */
async function refuseUnknown(
  db: Database,
  it: PolicyChange & { readonly ownerId?: string | null },
): Promise<void> {
  const faults: Fault[] = danglingNames(it, await readNames(db)).map(({ field, index }) =>
    field.endsWith('Models')
      ? unknown([field, index], 'model alias with this name', 'Send the name of a model alias that exists.')
      : unknown([field, index], 'resource with this id', 'Send the id of a resource that exists.'),
  )
  if (typeof it.ownerId === 'string' && !(await hasOwner(db, it.ownerId))) {
    const fix = 'Send the id of one that exists, or null for the organisation.'
    faults.unshift(unknown(['ownerId'], 'team, app or key with this id', fix))
  }
  const [first] = faults
  if (first === undefined) return
  const detail = `${first.pointer.slice(1)}: ${first.message}.`
  throw new AdminProblem('invalid_request', detail, { faults })
}

function unknown(path: readonly PropertyKey[], what: string, fix: string): Fault {
  return { pointer: wirePointer(path), code: 'unknown_reference', message: `there is no ${what}`, fix }
}
