/**
 * An audit event says who changed or tried to change what, when, and what it was before and after. It is written
 * with the change or not at all, and chained to the one before it (audit-chain.ts).
 */
import { z } from 'zod'
import { idOf } from './id.ts'

const AuditEventId = idOf('aud')
const Hash = z.string().regex(/^[0-9a-f]{64}$/)

export const AuditEvent = z.object({
  /** Counts from 1 without a gap. */
  number: z.int(),
  id: AuditEventId,
  at: z.iso.datetime({ offset: true }),
  actor: z.string().max(200),
  /** What the actor might do then; null for the gateway itself. */
  role: z.string().max(200).nullable(),
  /** Where the request came from; null for the gateway itself. */
  address: z.string().max(64).nullable(),
  /** What was done, as `thing.done`: `key.created`. */
  action: z.string().regex(/^[a-z-]+\.[a-z-]+$/),
  subjectId: z.string().max(64).nullable(),
  requestId: z.string().max(64),
  /** `refused` by a rule of ours, `failed` by a fault of ours; nothing was changed then. */
  result: z.enum(['done', 'refused', 'failed']),
  /** The error code it was refused with. */
  code: z.string().max(64).nullable(),
  /** Never holds a secret: what looks like one is a fingerprint. */
  before: z.unknown(),
  after: z.unknown(),
  previousHash: Hash,
  hash: Hash,
})
export type AuditEvent = z.infer<typeof AuditEvent>
