/**
 * A session is a person who has signed in with a browser. The browser holds a random id and we its digest, so that a
 * session can be ended here; what the person may do is looked up anew with each request.
 */
import { z } from 'zod'
import { idOf } from './id.ts'

/** Ends when nothing was asked for so long. */
export const IDLE_MS = 30 * 60_000

/** Ends in any case. */
export const LIFE_MS = 8 * 60 * 60_000

export const Session = z.object({
  id: idOf('ses'),
  /** As audit events call the person. */
  actor: z.string(),
  /** What the directory calls them; for people, never to decide by. */
  name: z.string(),
  createdAt: z.iso.datetime({ offset: true }),
  seenAt: z.iso.datetime({ offset: true }),
  expiresAt: z.iso.datetime({ offset: true }),
})
export type Session = z.infer<typeof Session>
