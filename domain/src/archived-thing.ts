/**
 * An archived thing is what was removed, as it was. Records of use outlive what they name, so its name can still
 * be shown; nothing refers to it, and its own name is free for another.
 */
import { z } from 'zod'

export const ArchivedThing = z.object({
  /** The id it had. */
  id: z.string().max(64),
  /** What it was, as audit events call it: `team`. */
  kind: z.string().max(64),
  name: z.string().nullable(),
  archivedAt: z.iso.datetime({ offset: true }),
  archivedBy: z.string().max(200),
  /** All that it was. Never holds a secret. */
  thing: z.unknown(),
})
export type ArchivedThing = z.infer<typeof ArchivedThing>
