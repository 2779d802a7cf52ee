/**
 * Keeps failed attempts from filling the audit log: each actor gets so many events in a minute, strangers
 * together as many as one; what is over is counted, and the next event tells how many went unrecorded.
 */
const PER_MINUTE = 60
const MINUTE_MS = 60_000
/** Far more actors than sign in; above it they share. */
const ACTORS_MAX = 10_000

type Span = { fromMs: number; recorded: number; unrecorded: number }

export type RefusalPace = {
  /** How many of the actor went unrecorded before this one; null when this one is over. */
  take(actor: string, nowMs: number): number | null
}

/** @param perMinute how many events an actor may cause by failing */
export function refusalPace(perMinute = PER_MINUTE): RefusalPace {
  const spans = new Map<string, Span>()
  return {
    take: (actor, nowMs) => {
      const name = spans.has(actor) || spans.size < ACTORS_MAX ? actor : ''
      let span = spans.get(name)
      if (span === undefined) {
        span = { fromMs: nowMs, recorded: 0, unrecorded: 0 }
        spans.set(name, span)
      }
      if (Math.abs(nowMs - span.fromMs) >= MINUTE_MS) Object.assign(span, { fromMs: nowMs, recorded: 0 })
      if (span.recorded >= perMinute) {
        span.unrecorded += 1
        return null
      }
      const { unrecorded } = span
      span.recorded += 1
      span.unrecorded = 0
      return unrecorded
    },
  }
}
