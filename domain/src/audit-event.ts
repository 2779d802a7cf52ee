/** An audit event says who changed what, when, and what it was before and after. Written with the change or not at all. */
import { z } from 'zod'
import { idOf } from './id.ts'

const AuditEventId = idOf('aud')

export const AuditEvent = z.object({
  id: AuditEventId,
  at: z.iso.datetime({ offset: true }),
  actor: z.string().max(200),
  /** What was done, as `thing.done`: `key.created`. */
  action: z.string().regex(/^[a-z-]+\.[a-z-]+$/),
  subjectId: z.string().max(64).nullable(),
  requestId: z.string().max(64),
  /** Never holds a secret: keys appear by id and last four characters only. */
  before: z.unknown(),
  after: z.unknown(),
})
export type AuditEvent = z.infer<typeof AuditEvent>
