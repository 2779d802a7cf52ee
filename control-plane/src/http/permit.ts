/**
 * Whether somebody may do an operation, and for which teams. A refusal leaves an audit event, because who tries doors
 * should be seen trying.
 */
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { reachOf } from '@headgate/domain/access'
import { type Right, rightRow } from '@headgate/domain/right'
import { commitChange, type Home, type Permit } from '../change.ts'
import type { Actor } from '../resources/context.ts'

type Asked = { readonly it: Pick<Operation, 'right' | 'method' | 'path'>; readonly requestId: string }

/** @throws AdminProblem `forbidden` that names the right and who has it */
export async function permit(home: Home, by: Actor, { it, requestId }: Asked): Promise<Permit> {
  const { right } = it
  if (right === 'signed-in' || right === 'of-each-item') return { by, teamIds: null }
  const reach = reachOf(by.access, right)
  if (reach === 'everywhere') return { by, teamIds: null }
  if (reach !== 'nowhere') return { by, teamIds: reach }
  const intent = { actor: by.name, action: 'operation.refused', requestId, changesCatalog: false }
  const after = { right, method: it.method, path: it.path }
  await commitChange(home, intent, async () => {
    return {
      changed: true,
      reply: null,
      subjectId: by.credentialId ?? by.name.slice(0, 64),
      before: null,
      after,
    }
  })
  throw refusal(by, right)
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
