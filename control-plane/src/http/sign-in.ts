/**
 * Signing in: from a request's credential to who is asking and what they may do. One header or cookie is one kind of
 * credential: the admin token of the settings, an API token, an access token of the directory, a browser session.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { API_TOKEN_FORM } from '@headgate/domain/api-token'
import { digestOf } from '../database/digest.ts'
import type { Actor } from '../resources/context.ts'

/** What a request shows of whoever sends it. */
export type Credentials = {
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly csrfToken: string | undefined
  readonly requestId: string
  readonly address: string
}

/** @throws AdminProblem `unauthenticated` when there is no credential we know, `forbidden` for a forged write */
export type SignIn = (credentials: Credentials, method: Operation['method']) => Promise<Actor>

/** Each finds who holds its kind of credential; null when it is none of ours, or none any more. */
export type Finders = {
  readonly apiToken: (digest: string) => Promise<Actor | null>
}

const BEARER = /^Bearer ([\x21-\x7e]{1,16384})$/i

/** Makes the one door of the admin API. */
export function signInBy(adminToken: string, finders: Finders): SignIn {
  const expected = sha256(adminToken)
  return async ({ authorization }) => {
    const token = BEARER.exec(authorization ?? '')?.[1]
    if (token === undefined) throw unauthenticated()
    // Hashes have one length and reveal nothing by where they differ.
    if (timingSafeEqual(sha256(token), expected)) return adminTokenActor
    const actor = API_TOKEN_FORM.test(token) ? await finders.apiToken(digestOf(token)) : null
    if (actor === null) throw unauthenticated()
    return actor
  }
}

const adminTokenActor: Actor = {
  name: 'admin-token',
  called: 'admin token',
  credential: 'admin_token',
  credentialId: null,
  access: { grants: [{ role: 'admin', teamIds: null }], rights: null },
  expiresAt: null,
  csrfToken: null,
}

function unauthenticated(): AdminProblem {
  return new AdminProblem(
    'unauthenticated',
    'Send "Authorization: Bearer …" with the admin token of this installation or an API token.',
  )
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
