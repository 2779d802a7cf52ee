/**
 * Access tokens of the directory, judged here: RS256 alone, keys from the provider's own set, the exact issuer, our
 * audience, whole numbers as times. What a token says of where its key lies is not read. Id tokens are none.
 */
import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { DirectoryConfig } from '../config.ts'
import { type Person, personOf, tenantOf } from './person.ts'

const LEEWAY_SECONDS = 60
/** A key we do not know makes us ask again, but not each time somebody makes one up. */
const REFRESH_COOLDOWN_MS = 60_000
const KEYS_KEPT_MS = 24 * 60 * 60_000
/** Named twice in one token, readers may take either. */
const ONCE = [
  'iss',
  'aud',
  'exp',
  'nbf',
  'iat',
  'sub',
  'tid',
  'oid',
  'ver',
  'roles',
  'groups',
  'scp',
  'azp',
  'appid',
  'idtyp',
]

export type Verified = { readonly person: Person; readonly expiresAt: string }

/** Makes the judge of access tokens. It gives null for any that is not good, and throws when keys cannot be had. */
export function accessTokens(
  { issuer, audiences }: DirectoryConfig,
  keysUrl: string | undefined,
  nowMs: () => number,
): (token: string) => Promise<Verified | null> {
  if (keysUrl === undefined) throw new Error('the directory names no keys')
  const keys = createRemoteJWKSet(new URL(keysUrl), {
    cooldownDuration: REFRESH_COOLDOWN_MS,
    cacheMaxAge: KEYS_KEPT_MS,
  })
  const tenant = tenantOf(issuer)
  const issuers = tenant === null ? [issuer] : [issuer, `https://sts.windows.net/${tenant}/`]
  return async (token) => {
    if (!hasPlainHeader(token)) return null
    const now = nowMs()
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ['RS256'],
        issuer: issuers,
        audience: [...audiences],
        clockTolerance: LEEWAY_SECONDS,
        currentDate: new Date(now),
        requiredClaims: ['exp', 'iat', 'sub'],
      })
      if (!isAccessToken(payload, { tenant, now }) || namesTwice(token)) return null
      const person = personOf(payload, issuer)
      return person && { person, expiresAt: new Date((payload.exp as number) * 1000).toISOString() }
    } catch (fault) {
      if (fault instanceof errors.JOSEError && !(fault instanceof errors.JWKSTimeout)) return null
      throw fault
    }
  }
}

/** A key must be named, and nothing may be asked of us that changes how the token is read. */
function hasPlainHeader(token: string): boolean {
  try {
    const { alg, kid, crit, typ } = decodeProtectedHeader(token)
    const isType = typ === undefined || /^(JWT|at\+jwt)$/i.test(typ)
    return alg === 'RS256' && typeof kid === 'string' && kid.length <= 200 && crit === undefined && isType
  } catch {
    return false
  }
}

type Judged = { readonly tenant: string | null; readonly now: number }

function isAccessToken(told: JWTPayload, { tenant, now }: Judged): boolean {
  const { exp, iat, nbf = iat } = told
  if (![exp, iat, nbf].every((it) => Number.isSafeInteger(it) && (it as number) > 0 && (it as number) < 1e11))
    return false
  if ((iat as number) * 1000 > now + LEEWAY_SECONDS * 1000) return false
  // Only access tokens name the client they were given to; only id tokens carry these.
  const client = told['azp'] ?? told['appid'] ?? told['client_id']
  if (typeof client !== 'string' || told['nonce'] !== undefined || told['at_hash'] !== undefined) return false
  if (tenant === null) return true
  const version = told.iss?.startsWith('https://sts.windows.net/') ? '1.0' : '2.0'
  const isForUser = typeof told['scp'] === 'string'
  const isForApp = told['idtyp'] === 'app' || told['scp'] === undefined
  return told['ver'] === version && (isForUser || isForApp)
}

function namesTwice(token: string): boolean {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
  return ONCE.some((name) => (text.match(new RegExp(`"${name}"\\s*:`, 'g')) ?? []).length > 1)
}
