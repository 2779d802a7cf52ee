/**
 * Seals secrets with AES-256-GCM under a key that only settings hold, bound to their names, so that a row that is
 * moved to another name does not open. Several keys may be set: the first seals, all of them open.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto'
import type { SecretSealer } from '@headgate/domain/ports'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_CHARACTERS_MIN = 32
const FORM = /^1\.([0-9a-f]{8})\.([A-Za-z0-9_-]+)$/

type SealingKey = { readonly id: string; readonly bytes: Buffer }

/**
 * @param setting one or more keys with commas between them, 32 characters or more each
 * @throws Error naming HEADGATE_SEALING_KEY when one is too short
 */
export function secretSealer(setting: string): SecretSealer {
  const keys = setting.split(',').map((text) => sealingKey(text.trim()))
  const [first] = keys as [SealingKey]
  return {
    keyId: first.id,
    seal: (name, value) => `1.${first.id}.${encrypt(first, name, value)}`,
    open: (name, sealed) => {
      const [, id = '', body = ''] = FORM.exec(sealed) ?? []
      const key = keys.find((one) => one.id === id)
      if (key === undefined)
        throw new Error(
          `the sealing key ${id || 'of it'} is not set here: add it to HEADGATE_SEALING_KEY, after the first`,
        )
      return decrypt(key, name, body)
    },
  }
}

function sealingKey(text: string): SealingKey {
  if (text.length < KEY_CHARACTERS_MIN)
    throw new Error(
      `HEADGATE_SEALING_KEY holds a key of ${text.length} characters and each needs at least ${KEY_CHARACTERS_MIN}: make one with "openssl rand -hex 32"`,
    )
  const bytes = Buffer.from(hkdfSync('sha256', text, '', 'headgate sealing key', 32))
  return { id: hash('sha256', Buffer.concat([Buffer.from('key id'), bytes])).slice(0, 8), bytes }
}

function encrypt({ bytes }: SealingKey, name: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, bytes, nonce).setAAD(Buffer.from(name))
  const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')
}

function decrypt({ bytes }: SealingKey, name: string, body: string): string {
  const all = Buffer.from(body, 'base64url')
  try {
    const opened = createDecipheriv(CIPHER, bytes, all.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(name))
    opened.setAuthTag(all.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    return Buffer.concat([opened.update(all.subarray(NONCE_BYTES + TAG_BYTES)), opened.final()]).toString(
      'utf8',
    )
  } catch (cause) {
    throw new Error('it does not open: it was changed, or belongs to another name', { cause })
  }
}
