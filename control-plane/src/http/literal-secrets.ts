/**
 * Refuses bodies that hold a secret where none is asked for. What is asked for is marked in the contract
 * (`takesSecret`); drafts are kept as they are sent, so they may hold no such write at all.
 */
import type { WriteOperation } from '@headgate/admin-contract/operation'
import { AdminProblem, type Fault } from '@headgate/admin-contract/problem'
import { wirePointer } from '@headgate/admin-contract/wire'
import { literalSecrets } from '@headgate/domain/literal-secret'

const DEEP = 32

/** @throws AdminProblem `invalid_request` that points to each place and repeats none */
export function refuseLiteralSecrets(it: WriteOperation, body: unknown): void {
  if (it.takesSecret === true) return
  const faults: Fault[] = draftedSecrets(body)
  look(body, [], faults)
  const [first] = faults
  if (first === undefined) return
  throw new AdminProblem('invalid_request', `${first.pointer}: ${first.message}.`, { faults })
}

/** Writes within a write that would be kept as they are. */
function draftedSecrets(body: unknown): Fault[] {
  const { items, atomic } = (body ?? {}) as { items?: unknown; atomic?: unknown }
  if (!Array.isArray(items) || atomic !== undefined) return []
  return items.flatMap((item: { operation?: unknown }, index) =>
    item?.operation === 'secrets.create' || item?.operation === 'secrets.rotate'
      ? [
          {
            pointer: `/items/${index}`,
            code: 'secret_in_draft',
            message: 'a draft is kept as it is, so it may hold no secret',
            fix: 'Store the secret by itself, and draft what refers to it.',
          },
        ]
      : [],
  )
}

function look(value: unknown, path: readonly (string | number)[], faults: Fault[]): void {
  if (typeof value === 'string') {
    if (literalSecrets(value).length > 0) faults.push(faultAt(path))
    return
  }
  if (value === null || typeof value !== 'object' || path.length > DEEP) return
  for (const [key, inner] of Object.entries(value)) {
    if (literalSecrets(key).length > 0) faults.push(faultAt(path))
    else look(inner, [...path, key], faults)
  }
}

function faultAt(path: readonly (string | number)[]): Fault {
  return {
    pointer: wirePointer(path),
    code: 'literal_secret',
    message: 'this looks like a secret itself',
    fix: 'Store it with POST /secrets, or in a vault, and send the reference. If it was sent in the clear, change it.',
  }
}
