/**
 * Sends the mock upstream's streams: one millisecond tick serves every stream that is due, so that hundreds of
 * streams cost one timer. A client that does not read pauses its own stream only.
 */
import type { Socket } from 'node:net'
import { contentEvents, lastEvents, STREAM_HEAD, type Wish } from './mock-answer.ts'

type Stream = {
  readonly socket: Socket
  readonly wish: Wish
  readonly event: (nowNanos: number) => string
  sent: number
  dueMs: number
}

export type StreamPace = {
  /** Begins a stream on a socket: head and first event at once, then one event per gap. */
  begin(socket: Socket, wish: Wish): void
}

/**
 * The sender of all streams of one process.
 * @param nowNanos the clock events are stamped with
 */
export function openStreamPace(nowNanos: () => number): StreamPace {
  const streams = new Set<Stream>()
  let ticking: NodeJS.Timeout | null = null
  const made = new Map<number, Stream['event']>()

  function eventsOf(bytes: number): Stream['event'] {
    const event = made.get(bytes) ?? contentEvents(bytes)
    made.set(bytes, event)
    return event
  }

  function sendNext(stream: Stream, before: string): void {
    const { socket, wish } = stream
    if (socket.destroyed) {
      streams.delete(stream)
      return
    }
    stream.sent++
    const last = stream.sent >= wish.chunks
    const event = before + stream.event(nowNanos())
    const taken = socket.write(last ? event + lastEvents(wish.chunks) : event, 'latin1')
    if (last) streams.delete(stream)
    else if (!taken) {
      streams.delete(stream)
      socket.once('drain', () => {
        stream.dueMs = performance.now() + wish.gapMs
        streams.add(stream)
      })
    }
  }

  function tick(): void {
    const nowMs = performance.now()
    for (const stream of streams) {
      if (stream.dueMs > nowMs) continue
      // A stream that fell behind keeps its rhythm from now on: a burst of late events would say nothing of
      // the gateway.
      stream.dueMs = Math.max(stream.dueMs + stream.wish.gapMs, nowMs)
      sendNext(stream, '')
    }
    if (streams.size === 0 && ticking !== null) {
      clearInterval(ticking)
      ticking = null
    }
  }

  return {
    begin(socket, wish) {
      const dueMs = performance.now() + wish.gapMs
      const stream: Stream = { socket, wish, event: eventsOf(wish.eventBytes), sent: 0, dueMs }
      streams.add(stream)
      sendNext(stream, STREAM_HEAD)
      ticking ??= setInterval(tick, 1)
    },
  }
}
