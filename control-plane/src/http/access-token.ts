/**
 * Access tokens of the directory, judged here: RS256 alone, keys from the provider's own set, the exact issuer, our
 * audience, whole numbers as times. What a token says of where its key lies is not read. Id tokens are none.
 */
import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import type { DirectoryConfig } from '../directory-settings.ts'
import { issuersOf, type Person, personOf, refuseForeignTenant, tenantsOf } from './person.ts'

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

/**
 * Makes the judge of access tokens. It gives null for any that is not good, and throws when keys cannot be had, and
 * AdminProblem `forbidden` for one that is good and of a tenant that is not let in.
 */
export function accessTokens(
  { issuer, tenants, audiences }: DirectoryConfig,
  keysUrl: string | undefined,
  nowMs: () => number,
): (token: string) => Promise<Verified | null> {
  if (keysUrl === undefined) throw new Error('the directory names no keys')
  const keys = createRemoteJWKSet(new URL(keysUrl), {
    cooldownDuration: REFRESH_COOLDOWN_MS,
    cacheMaxAge: KEYS_KEPT_MS,
  })
  const trust = { issuer, tenants }
  const isEntra = tenants !== null || tenantsOf(trust).length > 0
  const issuers = isEntra ? tenantsOf(trust).flatMap(issuersOf) : [issuer]
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
      if (!isAccessToken(payload, { isEntra, now }) || namesTwice(token)) return null
      if (isEntra && !isKeyOf(payload.iss, keyOf(token, keys.jwks()))) return null
      const person = personOf(payload, trust)
      return person && { person, expiresAt: new Date((payload.exp as number) * 1000).toISOString() }
    } catch (fault) {
      // The signature is judged before the claims, so whoever is told this has shown a real token.
      if (fault instanceof errors.JWTClaimValidationFailed && fault.claim === 'iss')
        refuseForeignTenant(fault.payload, trust)
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

/** Where keys are for many tenants, each may say whose it is; Entra writes the place of the tenant in braces. */
function isKeyOf(issuer: string | undefined, key: { issuer?: unknown } | undefined): boolean {
  if (key?.issuer === undefined) return true
  const tenant = /([0-9a-f-]{36})/.exec(issuer ?? '')?.[1] ?? ''
  return (
    typeof key.issuer === 'string' && issuersOf(tenant).includes(key.issuer.replace('{tenantid}', tenant))
  )
}

function keyOf(token: string, set: JSONWebKeySet | undefined): (JWK & { issuer?: unknown }) | undefined {
  const { kid } = decodeProtectedHeader(token)
  return set?.keys.find((key) => key.kid === kid)
}

type Judged = { readonly isEntra: boolean; readonly now: number }

function isAccessToken(told: JWTPayload, { isEntra, now }: Judged): boolean {
  const { exp, iat, nbf = iat } = told
  if (![exp, iat, nbf].every((it) => Number.isSafeInteger(it) && (it as number) > 0 && (it as number) < 1e11))
    return false
  if ((iat as number) * 1000 > now + LEEWAY_SECONDS * 1000) return false
  // Only access tokens name the client they were given to; only id tokens carry these.
  const client = told['azp'] ?? told['appid'] ?? told['client_id']
  if (typeof client !== 'string' || told['nonce'] !== undefined || told['at_hash'] !== undefined) return false
  if (!isEntra) return true
  const version = told.iss?.startsWith('https://sts.windows.net/') ? '1.0' : '2.0'
  const isForUser = typeof told['scp'] === 'string'
  const isForApp = told['idtyp'] === 'app' || told['scp'] === undefined
  return told['ver'] === version && (isForUser || isForApp)
}

function namesTwice(token: string): boolean {
  const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
  return ONCE.some((name) => (text.match(new RegExp(`"${name}"\\s*:`, 'g')) ?? []).length > 1)
}
