/**
 * The streams under way: one tick for all of them, in place of a timer each. The tick sends heartbeats into
 * silence and ends streams whose caller no longer reads.
 */
import type { UsageRecord } from '@headgate/domain/usage-record'

const TICK_MS = 1000

export interface LiveStream {
  readonly requestId: string
  /** What the record of the call would be if it ended now. */
  soFar(): UsageRecord
  /** @param nowMs monotonic */
  tick(nowMs: number): void
  /** Ends the stream because the gateway is going down; the caller is told so. */
  shutDown(): void
}

export type LiveStreams = {
  add(stream: LiveStream): void
  remove(stream: LiveStream): void
  count(): number
  /** The stream of a call; undefined when it is not under way here. Looks at one after the other. */
  find(requestId: string): LiveStream | undefined
  shutDownAll(): void
  close(): void
}

export function liveStreams(monotonicMs: () => number): LiveStreams {
  const streams = new Set<LiveStream>()
  const timer = setInterval(() => {
    const nowMs = monotonicMs()
    for (const stream of streams) stream.tick(nowMs)
  }, TICK_MS)
  timer.unref()
  return {
    add: (stream) => streams.add(stream),
    remove: (stream) => streams.delete(stream),
    count: () => streams.size,
    find: (requestId) => [...streams].find((it) => it.requestId === requestId),
    shutDownAll: () => {
      for (const stream of [...streams]) stream.shutDown()
    },
    close: () => clearInterval(timer),
  }
}
