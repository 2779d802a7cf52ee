/**
 * A session is a person who has signed in with a browser. The browser holds a random id and we its digest, so that a
 * session can be ended here. What the person may do is looked up anew with each request; what the directory says of
 * them is asked for again and again.
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

/** How long what the directory said is taken for true. */
export type SessionRules = {
  /** After so long it is asked again. */
  readonly checkMs: number
  /** After so long without its answer nobody goes on. */
  readonly staleMs: number
}

/** `fresh`: what the directory said holds. `due`: ask it; meanwhile it holds. `stale`: nothing goes on without asking. */
export type SessionAge = 'fresh' | 'due' | 'stale'

/** @param checkedMs when the directory confirmed the person last */
export function sessionAge(checkedMs: number, nowMs: number, { checkMs, staleMs }: SessionRules): SessionAge {
  const ageMs = nowMs - checkedMs
  if (ageMs >= staleMs) return 'stale'
  return ageMs >= checkMs ? 'due' : 'fresh'
}
