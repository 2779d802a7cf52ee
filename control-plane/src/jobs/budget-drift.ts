/**
 * Drift is the difference between what the ledger counts of a budget and what the usage records say, which are the
 * truth. Records and settlements travel separately, so a difference that comes and goes is none; what stays is
 * corrected by what stayed, as an increment, because calls are counted meanwhile.
 */

/** Looks a difference must outlast: whatever of it was under way has arrived by then. */
const LOOKS = 3
/**
 * How long a ledger may count more than is recorded, with nothing moving, before it is believed to be wrong: a
 * gateway that died is charged at once, and its records come when it is back.
 */
const STILL_MS = 900_000

export type Look = {
  readonly atMs: number
  /** What the ledger has settled. */
  readonly postedNanos: number
  readonly recordedNanos: number
}

/** What earlier looks left. */
export type Watched = {
  readonly behind: readonly number[]
  readonly last: Look
  readonly stillSinceMs: number
}

/**
 * Judges one more look.
 * @returns what to remember, and what to add to the ledger: below zero to take away, 0 for nothing
 */
export function judgeDrift(before: Watched | undefined, look: Look): { watched: Watched; addNanos: number } {
  const difference = look.recordedNanos - look.postedNanos
  const isStill =
    before?.last.postedNanos === look.postedNanos && before.last.recordedNanos === look.recordedNanos
  const stillSinceMs = isStill ? before.stillSinceMs : look.atMs
  const behind = difference > 0 ? [...(before?.behind ?? []), difference].slice(-LOOKS) : []
  const watched = { behind, last: look, stillSinceMs }
  if (behind.length === LOOKS) return { watched: { ...watched, behind: [] }, addNanos: Math.min(...behind) }
  const isAhead = difference < 0 && look.atMs - stillSinceMs >= STILL_MS
  return { watched, addNanos: isAhead ? difference : 0 }
}
