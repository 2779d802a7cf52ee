/** Finds who holds a credential that is stored or can be judged here: API tokens, browser sessions, access tokens. */
import type { Home } from '../change.ts'
import { findToken } from '../resources/api-tokens/queries.ts'
import type { Actor } from '../resources/context.ts'
import type { Finders } from './sign-in.ts'

/** One finder for each kind of credential. */
export function findersOf(home: Home): Finders {
  return { apiToken: (digest) => findApiToken(home, digest) }
}

async function findApiToken({ db, clock }: Home, digest: string): Promise<Actor | null> {
  const token = await findToken(db, digest, new Date(clock.nowMs()).toISOString())
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
