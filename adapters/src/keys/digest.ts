/**
 * The digest is the only form in which a proxy key is kept or looked up: HMAC-SHA-256 under a pepper that no
 * database holds. A stolen table is then of no use for recognising keys, nor can a digest be planted there.
 */
import { hash } from 'node:crypto'
import type { DigestKey } from '@headgate/domain/ports'

const BLOCK_BYTES = 64
const PEPPER_BYTES_MIN = 32
/** Far above any key of ours; what is longer is no key and takes the slow way. */
const KEY_LENGTH_MAX = 96
const KEY_BYTES_MAX = 3 * KEY_LENGTH_MAX

/**
 * Makes the digest of a deployment.
 * @param pepper at least 32 bytes, as hex, base64 or raw text; the same for all planes and for ever
 * @throws Error naming HEADGATE_KEY_PEPPER when it is too short
 */
export function keyDigester(pepper: string): DigestKey {
  const key = pepperBytes(pepper)
  const inner = padded(key, 0x36, BLOCK_BYTES + KEY_BYTES_MAX)
  const outer = padded(key, 0x5c, BLOCK_BYTES + 32)
  return (text) => {
    const fits = text.length <= KEY_LENGTH_MAX
    const message = fits
      ? inner
      : Buffer.concat([inner.subarray(0, BLOCK_BYTES), Buffer.alloc(3 * text.length)])
    const length = message.write(text, BLOCK_BYTES)
    // Written over as hex: a text is cheaper to pass than a buffer, which is made outside of the heap.
    outer.write(hash('sha256', message.subarray(0, BLOCK_BYTES + length)), BLOCK_BYTES, 'hex')
    return hash('sha256', outer)
  }
}

/** RFC 2104: the key, hashed if longer than a block, padded with zeros and mixed with the pad byte. */
function padded(key: Buffer, pad: number, length: number): Buffer {
  const block = Buffer.alloc(length)
  block.set(key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key)
  for (let i = 0; i < BLOCK_BYTES; i++) block[i] = (block[i] ?? 0) ^ pad
  return block
}

function pepperBytes(text: string): Buffer {
  const pepper = text.trim()
  const bytes = decoded(pepper)
  if (bytes.length >= PEPPER_BYTES_MIN) return bytes
  throw new Error(
    `HEADGATE_KEY_PEPPER holds ${bytes.length} bytes and needs at least ${PEPPER_BYTES_MIN}, as hex, base64 or ` +
      'plain text: make one with "openssl rand -hex 32" and keep it, since every key depends on it',
  )
}

function decoded(text: string): Buffer {
  if (/^([0-9a-fA-F]{2}){32,}$/.test(text)) return Buffer.from(text, 'hex')
  if (/^[A-Za-z0-9+/]{42,}={1,2}$/.test(text) && text.length % 4 === 0) return Buffer.from(text, 'base64')
  return Buffer.from(text, 'utf8')
}
