/**
 * Signing in: from a request's credential to who is asking and what they may do. One header or cookie is one kind of
 * credential: the admin token of the settings, an API token, an access token of the directory, a browser session.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Operation } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { API_TOKEN_FORM } from '@headgate/domain/api-token'
import type { Actor } from '../resources/context.ts'
import { cookieIn, cookieName } from './cookies.ts'
import type { Finders } from './find-actor.ts'

/** What a request shows of whoever sends it. */
export type Credentials = {
  readonly authorization: string | undefined
  readonly cookie: string | undefined
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly csrfToken: string | undefined
  readonly requestId: string
}

/** @throws AdminProblem `unauthenticated` when there is no credential we know, `forged` for a write that a foreign page may have sent */
export type SignIn = (credentials: Credentials, method: Operation['method']) => Promise<Actor>

export type SignInRules = {
  readonly adminToken: string
  /** Where browsers reach us, without a path. */
  readonly adminUrl: string
  readonly finders: Finders
}

const BEARER = /^Bearer ([\x21-\x7e]{1,16384})$/i
const JWT_FORM = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/

/** Makes the one door of the admin API. */
export function signInBy({ adminToken, adminUrl, finders }: SignInRules): SignIn {
  const expected = sha256(adminToken)
  const sessionCookie = cookieName('headgate', adminUrl)
  return async (credentials, method) => {
    const { authorization } = credentials
    const cookie = cookieIn(credentials.cookie, sessionCookie)
    if (authorization === undefined && cookie !== undefined) {
      const actor = await finders.session(cookie)
      if (actor === null) throw unauthenticated()
      if (method !== 'GET') refuseForged(credentials, { adminUrl, csrfToken: actor.csrfToken ?? '' })
      return actor
    }
    const token = BEARER.exec(authorization ?? '')?.[1]
    const actor = token === undefined ? null : await holderOf(token)
    if (actor !== null) return actor
    throw unauthenticated()
  }

  async function holderOf(token: string): Promise<Actor | null> {
    // Hashes have one length and reveal nothing by where they differ.
    if (timingSafeEqual(sha256(token), expected)) return adminTokenActor
    if (API_TOKEN_FORM.test(token)) return finders.apiToken(token)
    return JWT_FORM.test(token) ? finders.accessToken(token) : null
  }
}

/**
 * Browsers send a cookie whoever made the page, so a write must show three things that only our own page can: where it
 * comes from, that it is the same site, and a token that is read with the session.
 */
function refuseForged(
  { origin, fetchSite, csrfToken }: Credentials,
  ours: { adminUrl: string; csrfToken: string },
): void {
  const isOurs = origin === ours.adminUrl && (fetchSite === undefined || fetchSite === 'same-origin')
  if (isOurs && timingSafeEqual(sha256(csrfToken ?? ''), sha256(ours.csrfToken))) return
  throw new AdminProblem(
    'forged',
    'A write by a browser session needs our own Origin and, as X-CSRF-Token, the csrf_token of GET /api/v1/me.',
  )
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
    'Send "Authorization: Bearer …" with an API token, an access token of the directory or the admin token, or sign in at /sign-in.',
  )
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
