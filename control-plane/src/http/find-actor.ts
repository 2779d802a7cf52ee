/** Finds who holds a credential: an API token, a browser session, an access token of the directory. */
import { createHash } from 'node:crypto'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Access } from '@headgate/domain/access'
import { applying, grantsOf } from '@headgate/domain/role-mapping'
import type { SessionRules } from '@headgate/domain/session'
import type { Home } from '../change.ts'
import { digestOf } from '../database/digest.ts'
import { findToken } from '../resources/api-tokens/queries.ts'
import type { Actor } from '../resources/context.ts'
import { readMappings } from '../resources/role-mappings/queries.ts'
import { findSession } from '../resources/sessions/queries.ts'
import type { Verified } from './access-token.ts'
import { type Confirming, confirmed } from './confirm-session.ts'
import type { Directory } from './directory.ts'
import type { Person } from './person.ts'

/** Each finds who holds its kind of credential; null when it is none of ours, or none any more. */
export type Finders = {
  readonly apiToken: (secret: string) => Promise<Actor | null>
  readonly session: (secret: string) => Promise<Actor | null>
  readonly accessToken: (token: string) => Promise<Actor | null>
}

/** @param directories none when nobody signs in with one */
export function findersOf(home: Home, directories: readonly Directory[], rules: SessionRules): Finders {
  const confirming = { home, directories, rules }
  return {
    apiToken: (secret) => apiTokenActor(home, secret),
    session: (secret) => sessionActor(confirming, secret),
    accessToken: async (token) => {
      const verified = await verifiedBy(directories, token)
      if (verified === null) return null
      const { person, expiresAt } = verified
      const { actor: name, called } = person
      const access = await accessFrom(home, person)
      return {
        name,
        called,
        access,
        expiresAt,
        credential: 'access_token',
        credentialId: null,
        csrfToken: null,
      }
    },
  }
}

/** Each directory judges by its own issuer and audience. One that cannot be asked holds up no token of another. */
async function verifiedBy(directories: readonly Directory[], token: string): Promise<Verified | null> {
  let fault: unknown = null
  for (const directory of directories) {
    try {
      const verified = await directory.verify(token)
      if (verified !== null) return verified
    } catch (thrown) {
      fault = thrown
    }
  }
  if (fault !== null) throw fault
  return null
}

async function apiTokenActor({ db, clock }: Home, secret: string): Promise<Actor | null> {
  const token = await findToken(db, digestOf(secret), new Date(clock.nowMs()).toISOString())
  if (token === undefined) return null
  const { id, name, role, teamIds, rights, expiresAt } = token
  return {
    name: `api-token ${id}`,
    called: name,
    credential: 'api_token',
    credentialId: id,
    access: { grants: [{ role, teamIds }], rights },
    expiresAt,
    csrfToken: null,
  }
}

async function sessionActor(confirming: Confirming, secret: string): Promise<Actor | null> {
  const { home } = confirming
  const session = await findSession(home.db, digestOf(secret), new Date(home.clock.nowMs()).toISOString())
  if (session === undefined) return null
  const { id, actor, name, claims, expiresAt } = session
  const told = claims === null ? null : await confirmed(confirming, { ...session, claims })
  if (claims !== null && told === null) return null
  const access: Access =
    told === null
      ? { grants: [{ role: 'admin', teamIds: null }], rights: null }
      : await accessFrom(home, { claims: told, groupsCut: false })
  return {
    name: actor,
    called: name,
    credential: 'session',
    credentialId: id,
    access,
    expiresAt,
    // Known to whoever holds the session and to nobody else, so it needs no place of its own.
    csrfToken: createHash('sha256').update(`csrf ${secret}`).digest('base64url'),
  }
}

/**
 * What the mappings of this moment give somebody.
 * @throws AdminProblem `groups_left_out` when a role may hang on groups that the directory did not tell
 */
export async function accessFrom(
  home: Home,
  { claims, groupsCut }: Pick<Person, 'claims' | 'groupsCut'>,
): Promise<Access> {
  const mappings = await readMappings(home.db)
  const grants = grantsOf(applying(mappings, claims))
  if (grants.length === 0 && groupsCut && mappings.some((it) => it.claim === 'groups')) {
    throw new AdminProblem(
      'groups_left_out',
      'You are in so many groups that the directory left them out of your token. Ask for an app role instead, or have the app registration tell only the groups that are assigned to the application.',
    )
  }
  return { grants, rights: null }
}
