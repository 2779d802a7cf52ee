/**
 * The keeper of the audit log holds what the database must not: the key that signs heads, segments and anchors,
 * the file outside, and the way to fingerprints. Whoever has only the database can forge none of them.
 */
import { createPrivateKey, createPublicKey, hkdfSync, sign } from 'node:crypto'
import { canonicalJson } from '@headgate/domain/canonical-json'
import type { DigestKey } from '@headgate/domain/ports'
import type { AnchorFile } from './anchor-file.ts'
import { refusalPace } from './refusal-pace.ts'
import type { Statement } from './signature.ts'

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

export type AuditKeeper = {
  /** Hex Ed25519 signature of a statement: plain data with a `form` that says what it states. */
  sign(statement: Statement): string
  /** 32 bytes as hex, for whoever verifies. */
  readonly publicKey: string
  /** Null where none is set: a full rewrite by somebody with the key would not show then. */
  readonly anchors: AnchorFile | null
  readonly fingerprint: DigestKey
  readonly pace: ReturnType<typeof refusalPace>
}

/** @param secret at least 32 characters, known to the control plane only */
export function auditKeeper(
  secret: string,
  { anchors, fingerprint }: Pick<AuditKeeper, 'anchors' | 'fingerprint'>,
): AuditKeeper {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'headgate audit signatures', 32))
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_HEAD, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex')
  return {
    sign: (statement) => sign(null, Buffer.from(canonicalJson(statement)), key).toString('hex'),
    publicKey,
    anchors,
    fingerprint,
    pace: refusalPace(),
  }
}
