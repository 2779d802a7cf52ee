/** An audit anchor says how many events the audit log had at a time, and the hash of the last; kept outside the database. */
import { z } from 'zod'

export const AuditAnchor = z.object({
  at: z.iso.datetime({ offset: true }),
  /** Of the last event, and how many there had been. */
  number: z.int().min(0),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Ed25519, as hex. */
  signature: z.string().regex(/^[0-9a-f]{128}$/),
})
export type AuditAnchor = z.infer<typeof AuditAnchor>
