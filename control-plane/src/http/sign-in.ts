/**
 * Signing in: from the request's credential to who is asking and what they may do. Today there is one
 * credential, the admin token of the settings.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { type Role, roleAllows } from '@headgate/domain/role'

export type Actor = {
  /** As it stands in audit events. */
  readonly name: string
  readonly role: Role
}

/** @throws AdminProblem `unauthenticated` when the header holds no credential we know */
export type SignIn = (authorization: string | undefined) => Actor

/** Lets in whoever holds the admin token, with the role admin. */
export function tokenSignIn(adminToken: string): SignIn {
  const expected = sha256(adminToken)
  return (authorization) => {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1]
    // Hashes have one length and reveal nothing by where they differ.
    if (token === undefined || !timingSafeEqual(sha256(token), expected)) {
      throw new AdminProblem(
        'unauthenticated',
        'Send "Authorization: Bearer …" with the admin token of this installation.',
      )
    }
    return { name: 'admin-token', role: 'admin' }
  }
}

/** @throws AdminProblem `forbidden` when the actor's role is less than what is needed */
export function requireRole(actor: Actor, needed: Role): void {
  if (roleAllows(actor.role, needed)) return
  throw new AdminProblem('forbidden', `This needs the role ${needed}; you have ${actor.role}.`)
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
