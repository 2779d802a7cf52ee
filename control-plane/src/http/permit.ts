/** Whether somebody may do an operation, and for which teams. */
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { reachOf } from '@headgate/domain/access'
import { type Right, rightRow } from '@headgate/domain/right'
import type { Permit } from '../change.ts'
import type { Actor } from '../resources/context.ts'

/** @throws AdminProblem `forbidden` that names the right and who has it */
export function permit(by: Actor, { right }: Pick<Operation, 'right'>): Permit {
  if (right === 'signed-in' || right === 'of-each-item') return { by, teamIds: null }
  const reach = reachOf(by.access, right)
  if (reach === 'nowhere') throw refusal(by, right)
  return { by, teamIds: reach === 'everywhere' ? null : reach }
}

function refusal({ access }: Actor, right: Right): AdminProblem {
  const { roles } = rightRow(right)
  const isForTeams = access.grants.some((it) => roles.includes(it.role))
  const isNarrowed = access.rights !== null && !access.rights.includes(right)
  const why = isNarrowed
    ? 'your token is narrowed to other rights'
    : isForTeams
      ? 'your role is for single teams, and this concerns the whole organisation'
      : `roles that have it: ${roles.join(', ')}`
  return new AdminProblem('forbidden', `This needs the right ${right}; ${why}.`)
}
