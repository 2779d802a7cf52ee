/**
 * The audit chain: each event holds the hash of the one before it, so no event can be changed, removed or moved
 * without all later ones being made anew. What is hashed is every field, each with its length before it, so that
 * no two events have the same bytes.
 */
import type { AuditEvent } from './audit-event.ts'
import { canonicalJson } from './canonical-json.ts'

/** The hash before the first event. */
export const CHAIN_BEGIN = '0'.repeat(64)

const FORM = 'headgate audit event 1'
/** In place of a length: there is no value, which differs from an empty one. */
const NONE = 0xffffffff

type Unhashed = Omit<AuditEvent, 'hash'>

/** The bytes whose SHA-256 is the hash of the event. */
export function auditBytes(event: Unhashed): Uint8Array {
  const fields = [
    FORM,
    String(event.number),
    event.previousHash,
    event.id,
    event.at,
    event.actor,
    event.role,
    event.address,
    event.action,
    event.subjectId,
    event.requestId,
    event.result,
    event.code,
    canonicalJson(event.before ?? null),
    canonicalJson(event.after ?? null),
  ]
  const encoder = new TextEncoder()
  const parts = fields.map((field) => (field === null ? null : encoder.encode(field)))
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + (part?.length ?? 0), 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part === null ? NONE : part.length)
    if (part !== null) bytes.set(part, at + 4)
    at += 4 + (part?.length ?? 0)
  }
  return bytes
}

/** One place of the chain. */
export type ChainPlace = { readonly number: number; readonly hash: string }

export type ChainFault = { readonly number: number; readonly kind: ChainFaultKind; readonly message: string }

export type ChainFaultKind =
  | 'changed'
  | 'unlinked'
  | 'missing'
  | 'repeated'
  | 'cut_tail'
  | 'head'
  | 'segment'
  | 'anchor'

/** Judges an event by itself: whether it still is what was written. */
export function changedFault(event: AuditEvent, sha256: (bytes: Uint8Array) => string): ChainFault | null {
  if (sha256(auditBytes(event)) === event.hash) return null
  return { number: event.number, kind: 'changed', message: 'its content does not have its hash' }
}

/** Judges whether an event follows directly on a place. */
export function linkFault(before: ChainPlace, event: AuditEvent): ChainFault | null {
  const { number } = event
  if (number <= before.number)
    return { number, kind: 'repeated', message: `it stands again after number ${before.number}` }
  if (number > before.number + 1) {
    const first = before.number + 1
    const missing = number - first === 1 ? `${first} is` : `${first} to ${number - 1} are`
    return { number: first, kind: 'missing', message: `${missing} not there` }
  }
  if (event.previousHash === before.hash) return null
  return { number, kind: 'unlinked', message: 'it does not hold the hash of the event before it' }
}
