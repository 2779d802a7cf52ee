/**
 * A stored secret is one we keep ourselves, sealed, under a name: `db://name`. Its value goes in and is never
 * shown; what tells one from another is a fingerprint.
 */
import { z } from 'zod'
import { idOf } from './id.ts'

const Instant = z.iso.datetime({ offset: true })

/** As it stands in a reference; it cannot be changed, since references hold it. */
const SecretName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'letters, digits, _ and - only, at most 64, no - or _ at the beginning',
  )

/** Providers' credentials are short; a certificate with its chain is not. */
const SecretValue = z
  .string()
  .min(8, 'at least 8 characters')
  .max(16_384, 'at most 16384 characters')
  .refine((text) => text === text.trim(), 'no blanks or line ends around it')

export const StoredSecret = z.object({
  id: idOf('sec'),
  name: SecretName,
  /** What to write in `secret_ref`. */
  ref: z.string(),
  /** Counts from 1 with each new value. */
  version: z.int().min(1),
  fingerprint: z.string(),
  /** Which sealing key it is sealed under. */
  sealedUnder: z.string(),
  createdAt: Instant,
  /** When it got the value it has. */
  rotatedAt: Instant,
})
export type StoredSecret = z.infer<typeof StoredSecret>

export const NewStoredSecret = z.strictObject({ name: SecretName, value: SecretValue })
export const NewSecretValue = z.strictObject({ value: SecretValue })

/** What gateways are told: of no use without the key. */
export const SealedSecret = z.object({ name: SecretName, sealed: z.string().max(40_000) })
export type SealedSecret = z.infer<typeof SealedSecret>
