/** How secrets of 256 random bits are stored: as SHA-256 in hex, which cannot be guessed back and needs no pepper. */
import { createHash } from 'node:crypto'

/** Hex SHA-256 of a secret. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
