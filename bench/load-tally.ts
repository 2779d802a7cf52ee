/**
 * Counts what one run of the loader saw, inside its measured window only. What began in the warm-up or arrived
 * after the end is not in any figure.
 */
import { openHistogram } from './histogram.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'

/** The measured window on the monotonic clock, nanoseconds. */
export type Window = { readonly fromNanos: number; readonly untilNanos: number }

export type LoadTally = {
  readonly window: Window
  /** One reply, or its loss (`status` 0), for a request that was due at `fromNanos`. */
  reply(status: number, fromNanos: number, nowNanos: number): void
  firstByte(fromNanos: number, nowNanos: number): void
  chunk(stampNanos: number, nowNanos: number): void
  result(atEnd: { queued: number; inFlight: number }): LoadResult
}

/** What a run of any shape works with. */
export type Running = {
  readonly request: Buffer
  readonly buffer: Buffer
  readonly now: () => number
  readonly tally: LoadTally
  /** Time for connections to open before the first request of an open loop is due. */
  readonly settleNanos: number
  /** Resolves when the measured window is over. */
  untilEnd(): Promise<void>
}

/** The window of a plan that begins now. */
export function windowOf(plan: LoadPlan, nowNanos: number): Window {
  const fromNanos = nowNanos + plan.warmUpSeconds * 1e9
  return { fromNanos, untilNanos: fromNanos + plan.seconds * 1e9 }
}

/** An empty tally for a window. */
export function openLoadTally(window: Window): LoadTally {
  const latency = openHistogram()
  const firstByte = openHistogram()
  const transit = openHistogram()
  const counts = { completed: 0, errors: 0, non2xx: 0, chunks: 0 }
  const within = (nanos: number) => nanos >= window.fromNanos && nanos <= window.untilNanos

  return {
    window,
    reply(status, fromNanos, nowNanos) {
      if (!within(nowNanos)) return
      if (status === 0) {
        counts.errors++
        return
      }
      counts.completed++
      if (status < 200 || status > 299) counts.non2xx++
      if (within(fromNanos)) latency.add(nowNanos - fromNanos)
    },
    firstByte(fromNanos, nowNanos) {
      if (within(fromNanos) && within(nowNanos)) firstByte.add(nowNanos - fromNanos)
    },
    chunk(stampNanos, nowNanos) {
      if (!within(nowNanos)) return
      counts.chunks++
      transit.add(nowNanos - stampNanos)
    },
    result(atEnd) {
      return {
        ...counts,
        queuedAtEnd: atEnd.queued,
        inFlightAtEnd: atEnd.inFlight,
        latency: latency.quantiles(),
        firstByte: firstByte.quantiles(),
        chunkTransit: transit.quantiles(),
      }
    },
  }
}
