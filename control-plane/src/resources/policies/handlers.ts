/** What the admin API does with policies. What a policy speaks of must exist, or a typing error would allow or deny nothing. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { policies } from '@headgate/admin-contract/policies'
import { AdminProblem, type Fault } from '@headgate/admin-contract/problem'
import { wirePointer } from '@headgate/admin-contract/wire'
import { danglingNames, type NewPolicy, type Policy, type PolicyChange } from '@headgate/domain/policy'
import type { Database } from '../../database/open.ts'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'
import { hasOwner, readNames } from './queries.ts'

export const policiesHandlers: Handlers<typeof policies, HandlerContext> = thingHandlers<
  Policy,
  NewPolicy,
  PolicyChange
>({ table: 'policies', prefix: 'pol', check: (fields, { db }) => refuseUnknown(db, fields) })

/** @throws AdminProblem with one fault for each name, id or owner that does not exist */
async function refuseUnknown(db: Database, it: Partial<Policy>): Promise<void> {
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
