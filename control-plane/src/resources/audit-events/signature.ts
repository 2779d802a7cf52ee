/**
 * What is signed about the audit log, and how a signature is judged by whoever has the public key alone. Signatures
 * are Ed25519 over canonical JSON.
 */
import { createPublicKey, hash, verify } from 'node:crypto'
import { canonicalJson } from '@headgate/domain/canonical-json'

/** RFC 8410: what stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

/** Plain data with a form that says what it states, so that no signature passes for another. */
export type Statement = { readonly form: `headgate ${string}` } & Readonly<Record<string, unknown>>

export type IsSigned = (statement: Statement, signature: string) => boolean

/**
 * Judges signatures under a public key.
 * @param publicKey 32 bytes as hex
 * @throws Error when it is no such key
 */
export function signatureCheck(publicKey: string): IsSigned {
  if (!/^[0-9a-f]{64}$/.test(publicKey)) throw new Error('the public key must be 64 hex digits')
  const der = Buffer.concat([PUBLIC_HEAD, Buffer.from(publicKey, 'hex')])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return (statement, signature) =>
    /^[0-9a-f]{128}$/.test(signature) &&
    verify(null, Buffer.from(canonicalJson(statement)), key, Buffer.from(signature, 'hex'))
}

/** Hex SHA-256, as the chain takes it. */
export function sha256(bytes: Uint8Array): string {
  return hash('sha256', bytes)
}
