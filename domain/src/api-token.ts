/**
 * An API token is a credential of the admin API for automation: a role, for some teams or all, perhaps narrowed to a
 * few rights, until a day that must be named. It is shown once; only a digest is kept.
 */
import { z } from 'zod'
import { GrantedTeams } from './access.ts'
import { idOf } from './id.ts'
import { DisplayName } from './name.ts'
import { Right } from './right.ts'
import { Role } from './role.ts'

const Instant = z.iso.datetime({ offset: true })
const Rights = z
  .array(Right)
  .min(1)
  .transform((rights) => [...new Set(rights)].sort())
  .nullable()

/** The longest an API token may live. */
export const TOKEN_DAYS_MAX = 366

export const ApiToken = z.object({
  id: idOf('tok'),
  name: DisplayName,
  role: Role,
  /** Null is the whole organisation. */
  teamIds: GrantedTeams,
  /** These rights of the role and no others; null is all of them. */
  rights: Rights,
  lastFour: z.string().length(4),
  createdBy: z.string(),
  createdAt: Instant,
  expiresAt: Instant,
  revokedAt: Instant.nullable(),
  /** To the minute; null when it was never used. */
  lastUsedAt: Instant.nullable(),
})
export type ApiToken = z.infer<typeof ApiToken>

export const NewApiToken = z.strictObject({
  name: DisplayName,
  role: Role,
  teamIds: GrantedTeams.default(null),
  rights: Rights.default(null),
  expiresAt: Instant,
})
export type NewApiToken = z.infer<typeof NewApiToken>

/** What every API token looks like: 256 random bits behind a prefix that leak scanners know. */
export const API_TOKEN_FORM = /^hgt_[A-Za-z0-9_-]{43}$/

/** A new secret, from 32 random bytes. */
export function mintApiToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const text = btoa(String.fromCharCode(...bytes))
  return `hgt_${text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
}
