/**
 * A sink refusal is an entry that a sink would not take: put aside with the reason, so that the others go on. It stays
 * until somebody has it tried again and the sink takes it, or has it forgotten.
 */
import { z } from 'zod'
import { SinkEntryId } from './sink-entry.ts'

const Instant = z.iso.datetime({ offset: true })

export const SinkRefusal = z.object({
  /** Of the entry, as the sink would have it: the id of its request, and the attempt. */
  id: SinkEntryId,
  kind: z.enum(['record', 'correction']),
  requestId: z.string(),
  attempt: z.int().min(0),
  reason: z.string(),
  /** How often it was given and refused. */
  tries: z.int().min(1),
  /** When it was refused last. */
  refusedAt: Instant,
  /** When somebody asked that it be tried again; null while nobody has. */
  retryAskedAt: Instant.nullable(),
})
export type SinkRefusal = z.infer<typeof SinkRefusal>
