/**
 * A fingerprint stands where a secret must not: the same secret has the same one, nobody finds the secret from it.
 * It is a keyed digest, cut short, because a plain one of a weak secret could be guessed.
 */
import { replaceSecrets } from './redaction.ts'

const SHOWN = 16

/** @param digest a keyed hash, as hex */
export function fingerprintOf(secret: string, digest: (text: string) => string): string {
  return `fp_${digest(secret).slice(0, SHOWN)}`
}

/** A copy of plain JSON data in which whatever looks like a secret is its fingerprint. */
export function withFingerprints(value: unknown, digest: (text: string) => string): unknown {
  if (typeof value === 'string') return replaceSecrets(value, (secret) => fingerprintOf(secret, digest))
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item) => withFingerprints(item, digest))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      replaceSecrets(key, (secret) => fingerprintOf(secret, digest)),
      withFingerprints(inner, digest),
    ]),
  )
}
