/**
 * A person (or an app) as the directory tells of them in a token: who they are, and which app roles and groups they
 * have. Identity is tenant and object id, never a mail address, which can be given to somebody else.
 */
import type { Claims } from '@headgate/domain/role-mapping'

export type Person = {
  /** As audit events call them. */
  readonly actor: string
  /** What the directory calls them; for people to read. */
  readonly called: string
  readonly claims: Claims
  /** True when the directory left groups out because there are too many. */
  readonly groupsCut: boolean
}

type Told = Readonly<Record<string, unknown>>

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ENTRA = /^https:\/\/login\.microsoftonline\.com\/([0-9a-f-]{36})\/v2\.0$/

/** The tenant that an issuer of Entra ID speaks for; null for other providers. */
export function tenantOf(issuer: string): string | null {
  return ENTRA.exec(issuer)?.[1] ?? null
}

/**
 * Who a verified token tells of; null when it does not say so in a form we know.
 * @param issuer the configured one
 */
export function personOf(told: Told, issuer: string): Person | null {
  const tenant = tenantOf(issuer)
  const { tid, oid, sub } = told
  if (tenant !== null && (tid !== tenant || typeof oid !== 'string' || !GUID.test(oid))) return null
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,120}$/.test(sub)) return null
  const [roles, groups] = [texts(told['roles']), texts(told['groups'])]
  if (roles === null || groups === null) return null
  const kind = told['idtyp'] === 'app' ? 'app' : 'user'
  const actor = tenant === null ? `${kind} ${sub}` : `${kind} ${tenant}/${oid}`
  return { actor, called: nameOf(told) ?? actor, claims: { roles, groups }, groupsCut: isCut(told) }
}

function nameOf({ name, preferred_username, unique_name }: Told): string | null {
  const it = [preferred_username, unique_name, name].find((one) => typeof one === 'string')
  return typeof it === 'string' ? it.slice(0, 200) : null
}

/** Left out is none; anything but a list of texts is a token that we do not understand. */
function texts(value: unknown): string[] | null {
  if (value === undefined) return []
  return Array.isArray(value) && value.every((it) => typeof it === 'string') ? value : null
}

/** Above 200 groups Entra ID names a place to ask instead. The address in it is not followed: it is a retired API. */
function isCut(told: Told): boolean {
  const names = told['_claim_names']
  return told['hasgroups'] === true || (names !== null && typeof names === 'object' && 'groups' in names)
}
