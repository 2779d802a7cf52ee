/**
 * An event stream is a reply that goes on: server-sent events over a connection that stays open (WHATWG HTML, 9.2).
 * Each event has an id, after which the next connection goes on. The last one may be a problem that says why it ended.
 */
import { EventSourceParserStream } from 'eventsource-parser/stream'

export type StreamEvent<T> = { readonly id: string; readonly data: T }

/** What a server sends from; null says that nothing came for a while. */
export type EventSource<T> = AsyncIterable<StreamEvent<T> | null>

export const EVENT_STREAM = 'text/event-stream'
/** A comment is sent at least this often, so that a connection that broke is told from a quiet one. */
export const HEARTBEAT_MS = 15_000
/** Of the event that holds a problem. */
export const PROBLEM_EVENT = 'problem'
const SILENCE_MS_MAX = 3 * HEARTBEAT_MS

/** An event as it is sent; JSON text has no line breaks in it. */
export function eventText({ id, event, data }: { id?: string; event?: string; data: string }): string {
  return `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}data: ${data}\n\n`
}

export type ReceivedEvent = { readonly id: string; readonly event: string; readonly data: string }

/**
 * The events of a body as they come, heartbeats left out; ends when the body does.
 * @throws Error when nothing at all came for longer than a heartbeat can take
 */
export async function* receivedEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReceivedEvent> {
  const events = body
    .pipeThrough(silenceGuard())
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new EventSourceParserStream())
  for await (const { id = '', event = 'message', data } of events) yield { id, event, data }
}

function silenceGuard(): TransformStream<Uint8Array, Uint8Array> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const wait = (controller: TransformStreamDefaultController<Uint8Array>) => {
    clearTimeout(timer)
    const fault = new Error(`the stream said nothing for ${SILENCE_MS_MAX / 1000} s`)
    timer = setTimeout(() => controller.error(fault), SILENCE_MS_MAX)
  }
  return new TransformStream<Uint8Array, Uint8Array>({
    start: wait,
    transform: (piece, controller) => {
      wait(controller)
      controller.enqueue(piece)
    },
    flush: () => clearTimeout(timer),
    cancel: () => clearTimeout(timer),
  })
}
