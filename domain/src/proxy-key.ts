/**
 * A proxy key is the credential we issue: `hg_live_` + 43 base62 characters (256 bits) + a 6-character
 * checksum. The checksum turns junk away before any store is asked and makes leak scanners precise.
 * Only an HMAC digest under a pepper is kept; the key itself is shown once.
 */
import { z } from 'zod'
import { AppId } from './app.ts'
import { BudgetRule } from './budget.ts'
import { idOf } from './id.ts'
import { LimitRule } from './limit.ts'
import { ModelAccess } from './model-alias.ts'
import { DisplayName } from './name.ts'
import { RotationRule } from './rotation-rule.ts'
import { TeamId } from './team.ts'
import { UserId } from './user.ts'

const KeyId = idOf('key')

export const KeyEnvironment = z.enum(['live', 'test', 'demo'])
export type KeyEnvironment = z.infer<typeof KeyEnvironment>

export const KeyState = z.enum(['active', 'disabled', 'revoked'])
export type KeyState = z.infer<typeof KeyState>

/** Per minute; null says "no limit" out loud, zero denies. */
const PerMinute = z.int().min(0).max(1_000_000_000).nullable()

export const ProxyKey = z.object({
  id: KeyId,
  name: DisplayName,
  environment: KeyEnvironment,
  teamId: TeamId,
  appId: AppId,
  userId: UserId.nullable(),
  state: KeyState,
  /** The last four characters, so that people can tell their keys apart. */
  lastFour: z.string().length(4),
  allowedModels: ModelAccess,
  requestsPerMinute: PerMinute,
  tokensPerMinute: PerMinute,
  expiresAt: z.iso.datetime({ offset: true }).nullable(),
  /** How often its secret is to be replaced; null: as its app says. */
  rotationRule: RotationRule.nullable(),
  /** When that is to be done next; null where no rule asks for it. */
  rotationDueAt: z.iso.datetime({ offset: true }).nullable(),
  /** Until when it may be put off. */
  rotationOverdueAt: z.iso.datetime({ offset: true }).nullable(),
  /** When gateways begin to refuse its secret because that was put off longer; null: they do not. */
  secretExpiresAt: z.iso.datetime({ offset: true }).nullable(),
  createdAt: z.iso.datetime({ offset: true }),
})
export type ProxyKey = z.infer<typeof ProxyKey>

export const NewProxyKey = z.strictObject({
  name: DisplayName,
  appId: AppId,
  userId: UserId.nullable().default(null),
  environment: KeyEnvironment.default('live'),
  allowedModels: ModelAccess.default(null),
  requestsPerMinute: PerMinute.default(null),
  tokensPerMinute: PerMinute.default(null),
  expiresAt: z.iso.datetime({ offset: true }).nullable().optional().meta({
    description: 'Null: never. After the days of the setting `key_expiry_days` if it is left out.',
  }),
  rotationRule: RotationRule.nullable().default(null),
})
export type NewProxyKey = z.infer<typeof NewProxyKey>

/** What may be changed in a key; what is left out stays. A key stays in its team, a revoked one as it is. */
export const ProxyKeyChange = z
  .strictObject({
    name: DisplayName,
    appId: AppId,
    userId: UserId.nullable(),
    /** Disabling can be undone, revoking cannot. */
    state: z.enum(['active', 'disabled']),
    allowedModels: ModelAccess,
    requestsPerMinute: PerMinute,
    tokensPerMinute: PerMinute,
    expiresAt: z.iso.datetime({ offset: true }).nullable(),
    rotationRule: RotationRule.nullable(),
  })
  .partial()
export type ProxyKeyChange = z.infer<typeof ProxyKeyChange>

/** What the data plane is told of a key. `digest` is the lookup name: hex HMAC-SHA-256 of the whole key. */
export const KeyRecord = ProxyKey.pick({
  id: true,
  name: true,
  teamId: true,
  appId: true,
  userId: true,
  state: true,
  allowedModels: true,
  requestsPerMinute: true,
  tokensPerMinute: true,
}).extend({
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  expiresAtMs: z.int().nullable(),
  /** Which of its secrets this is, while the key is being rotated; null otherwise. */
  rotation: z
    .object({ secretNumber: z.int().min(1), isOld: z.boolean(), untilMs: z.int() })
    .nullable()
    .default(null),
  /** Limits owned by the key itself, as parts of a tree. */
  limits: z.array(LimitRule).default([]),
  /** Budgets of the key itself. */
  budgets: z.array(BudgetRule).default([]),
})
export type KeyRecord = z.infer<typeof KeyRecord>

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BODY_LENGTH = 43
const CHECK_LENGTH = 6
const KEY_FORM = /^hg_(live|test|demo)_[0-9A-Za-z]{49}$/

/** A new key from 256 random bits. The only copy there is: the caller shows it once and forgets it. */
export function mintKey(environment: KeyEnvironment): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  let number = 0n
  for (const byte of bytes) number = (number << 8n) | BigInt(byte)
  const body = `hg_${environment}_${toBase62(number, BODY_LENGTH)}`
  return body + checksumOf(body)
}

/** True when the text has the form and checksum of a key of ours; says nothing about whether it exists. */
export function isWellFormedKey(text: string): boolean {
  if (text.length > 64 || !KEY_FORM.test(text)) return false
  const split = text.length - CHECK_LENGTH
  return checksumOf(text.slice(0, split)) === text.slice(split)
}

/** Why a known key may not be used now, or null when it may. */
export function keyFault(
  key: Pick<KeyRecord, 'state' | 'expiresAtMs'>,
  nowMs: number,
): 'key_revoked' | 'key_disabled' | 'key_expired' | null {
  if (key.state === 'revoked') return 'key_revoked'
  if (key.state === 'disabled') return 'key_disabled'
  if (key.expiresAtMs !== null && key.expiresAtMs <= nowMs) return 'key_expired'
  return null
}

function checksumOf(text: string): string {
  let rest = crc32(text)
  let check = ''
  for (let i = 0; i < CHECK_LENGTH; i++) {
    check = BASE62[rest % 62] + check
    rest = Math.floor(rest / 62)
  }
  return check
}

function toBase62(number: bigint, length: number): string {
  let text = ''
  let rest = number
  for (let i = 0; i < length; i++) {
    text = BASE62[Number(rest % 62n)] + text
    rest /= 62n
  }
  return text
}

/** CRC-32 as in ISO 3309; bit by bit, since a key is 51 characters and no table need be kept. */
function crc32(text: string): number {
  let crc = 0xffffffff
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i)
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}
