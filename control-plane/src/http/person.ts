/**
 * A person (or an app) as the directory tells of them in a token: who they are, and which app roles and groups they
 * have. Identity is tenant and object id, never a mail address, which can be given to somebody else.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Claims } from '@headgate/domain/role-mapping'
import type { DirectoryConfig } from '../directory-settings.ts'

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

/** Whom we believe: the configured issuer, and its tenants where it speaks for many. */
export type Trust = Pick<DirectoryConfig, 'issuer' | 'tenants'>

/** The tenants whose people are let in; none for other providers than Entra ID. */
export function tenantsOf({ issuer, tenants }: Trust): readonly string[] {
  if (tenants !== null) return tenants
  const one = ENTRA.exec(issuer)?.[1]
  return one === undefined ? [] : [one]
}

/** How a tenant signs in the second version of tokens, and in the first. Nothing else speaks for it. */
export function issuersOf(tenant: string): readonly [string, string] {
  return [`https://login.microsoftonline.com/${tenant}/v2.0`, `https://sts.windows.net/${tenant}/`]
}

/**
 * Tells somebody of a tenant that we do not know what is wrong: they have signed in, and their directory is not ours.
 * @param told what a directory signed
 * @throws AdminProblem `forbidden` where an issuer for many tenants speaks of one that is not let in
 */
export function refuseForeignTenant({ iss, tid }: Told, { tenants }: Trust): void {
  if (tenants === null || typeof tid !== 'string' || !GUID.test(tid) || tenants.includes(tid)) return
  if (typeof iss !== 'string' || !issuersOf(tid).includes(iss)) return
  throw new AdminProblem(
    'forbidden',
    `Your account belongs to the tenant ${tid}, which may not sign in here. Sign in with an account of another tenant, or ask whoever runs this to add it to HEADGATE_OIDC_TENANTS.`,
  )
}

/** Who a verified token tells of; null when it does not say so in a form we know. */
export function personOf(told: Told, trust: Trust): Person | null {
  const tenants = tenantsOf(trust)
  const isEntra = trust.tenants !== null || tenants.length > 0
  const { tid, oid, sub, iss } = told
  if (isEntra && !(isText(tid) && tenants.includes(tid) && isText(iss) && issuersOf(tid).includes(iss)))
    return null
  if (isEntra && (!isText(oid) || !GUID.test(oid))) return null
  if (typeof sub !== 'string' || !/^[\x21-\x7e]{1,120}$/.test(sub)) return null
  const [roles, groups] = [texts(told['roles']), texts(told['groups'])]
  if (roles === null || groups === null) return null
  const kind = told['idtyp'] === 'app' ? 'app' : 'user'
  const actor = isEntra ? `${kind} ${tid}/${oid}` : `${kind} ${sub}`
  return { actor, called: nameOf(told) ?? actor, claims: { roles, groups }, groupsCut: isCut(told) }
}

function isText(it: unknown): it is string {
  return typeof it === 'string'
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
