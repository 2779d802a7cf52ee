/**
 * A key secret is what a caller sends; a proxy key has one, and a second while it is rotated. Limits, budgets and
 * records hang on the key, so they survive: only the secret changes. For a time of grace both work.
 */
import { z } from 'zod'

/** Long enough for everybody to change over in a day, and no longer than a leaked secret may be of use. */
const GRACE_MINUTES_MAX = 24 * 60
const MINUTE_MS = 60_000

const Instant = z.iso.datetime({ offset: true })

/** `next` waits for its time, `current` is the one to use, `old` works until it ends. */
const SecretStage = z.enum(['next', 'current', 'old'])

/** Of a secret all but itself. */
export const KeySecret = z.object({
  /** Counted from 1 within its key. */
  number: z.int().min(1),
  lastFour: z.string().length(4),
  stage: SecretStage,
  createdAt: Instant,
  startsAt: Instant,
  /** When it stops working before its key does; null: not. */
  endsAt: Instant.nullable(),
})
export type KeySecret = z.infer<typeof KeySecret>

/** A secret taking the place of another. */
export const KeyRotation = z.object({
  keyId: z.string(),
  /** `scheduled`: the new secret does not work yet; `grace`: both work; `ended`: the old one does not work any more. */
  state: z.enum(['scheduled', 'grace', 'ended']),
  oldSecret: KeySecret,
  newSecret: KeySecret,
  graceMinutes: z.int().min(0).max(GRACE_MINUTES_MAX),
  startsAt: Instant,
  /** When the old secret ends, or ended. */
  endsAt: Instant,
})
export type KeyRotation = z.infer<typeof KeyRotation>

const GraceMinutes = z.int().min(0).max(GRACE_MINUTES_MAX)

export const NewKeyRotation = z.strictObject({
  /** How long the old secret works beside the new one. 0: not at all, as when it has leaked. */
  graceMinutes: GraceMinutes.optional().meta({
    description: 'The setting `rotation_grace_minutes` if it is left out: a day, unless that was changed.',
  }),
  /** When the new secret begins to work; null: now. */
  startsAt: Instant.nullable().default(null),
})
export type NewKeyRotation = z.infer<typeof NewKeyRotation>

/** The grace is counted from the beginning of the rotation, so a shorter one may end it at once. */
export const KeyRotationChange = z.strictObject({ graceMinutes: GraceMinutes, startsAt: Instant }).partial()
export type KeyRotationChange = z.infer<typeof KeyRotationChange>

/** When the old secret ends. @param startsAt of the rotation */
export function graceEnd(startsAt: string, graceMinutes: number): string {
  return new Date(Date.parse(startsAt) + graceMinutes * MINUTE_MS).toISOString()
}
