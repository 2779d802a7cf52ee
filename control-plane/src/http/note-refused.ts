/**
 * Notes credentials that were no good, so that whoever tries them is seen. Anybody can send them, so only so many a
 * minute become audit events; the next event says how many more there were.
 */
import { commitChange, type Home } from '../change.ts'

const MINUTE_MS = 60_000
const EVENTS_PER_MINUTE = 10

/** Hears of one: in which request, and what was wrong. */
export type NoteRefused = (requestId: string, reason: string) => Promise<void>

/** What hears of them. */
export function refusalNotes(home: Home): NoteRefused {
  let minute = 0
  let events = 0
  let untold = 0
  return async (requestId, reason) => {
    const now = Math.floor(home.clock.nowMs() / MINUTE_MS)
    if (now !== minute) {
      minute = now
      events = 0
    }
    if (events >= EVENTS_PER_MINUTE) {
      untold += 1
      return
    }
    events += 1
    const after = { reason, untoldBefore: untold }
    untold = 0
    const intent = { actor: 'nobody', action: 'sign-in.refused', requestId, changesCatalog: false }
    await commitChange(home, intent, async () => {
      return { changed: true, reply: null, subjectId: 'nobody', before: null, after }
    })
  }
}
