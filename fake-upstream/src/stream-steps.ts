/**
 * The steps of a stream: what is written to the socket, in which order, and where it goes wrong. Pure: it turns
 * events and a behaviour into steps, and send-stream.ts takes them one by one.
 */
import type { StreamEvent } from './answer.ts'
import type { Behaviour } from './behaviour.ts'
import { SERVER_ERROR } from './failures.ts'
import { brokenEvents, garbageBeforeText } from './garbage.ts'

export type Step =
  | { do: 'send'; bytes: Buffer; tokens: number; kind: StreamEvent['kind'] }
  | { do: 'wait'; ms: number }
  /** Destroys the socket. */
  | { do: 'cut' }
  /** Ends the answer properly, though events are missing. */
  | { do: 'end' }
  /** Sends an error event and ends. */
  | { do: 'fail'; bytes: Buffer }

/** Turns the events of an answer into steps, with the faults the behaviour asks for. */
export function* planSteps(events: Iterable<StreamEvent>, behaviour: Behaviour): Generator<Step> {
  const garbage = behaviour.extra.includes('garbage')
  const broken = behaviour.extra.includes('not-json')
  let sent = 0
  let spoken = false
  if (behaviour.firstEventWaitMs > 0) yield { do: 'wait', ms: behaviour.firstEventWaitMs }
  for (const event of events) {
    if (isBreak(behaviour, sent, event)) {
      yield breakStep(behaviour, { named: event.name !== null, sent })
      if (behaviour.break !== 'stall') return
    }
    if (event.kind === 'content') {
      if (!spoken && garbage) yield* garbageBeforeText().map(sendBytes)
      if (!spoken && broken) yield* brokenEvents().map(sendBytes)
      spoken = true
      if (behaviour.gapMs > 0) yield { do: 'wait', ms: behaviour.gapMs }
    }
    yield {
      do: 'send',
      bytes: encodeEvent(event, behaviour, garbage),
      tokens: event.tokens,
      kind: event.kind,
    }
    sent++
  }
}

function isBreak(behaviour: Behaviour, sent: number, event: StreamEvent): boolean {
  if (behaviour.break === null) return false
  return behaviour.breakAfter === 'finish' ? event.kind === 'finish' : sent === behaviour.breakAfter
}

function breakStep(
  { break: kind, stallMs, lineEnd }: Behaviour,
  { named, sent }: { named: boolean; sent: number },
): Step {
  if (kind === 'stall') return { do: 'wait', ms: stallMs }
  if (kind === 'cut') return { do: 'cut' }
  if (kind === 'end') return { do: 'end' }
  const { message, type } = SERVER_ERROR
  const flat = { type: 'error', code: 'server_error', message, param: null, sequence_number: sent }
  const text = named
    ? `event: error${lineEnd}data: ${JSON.stringify(flat)}${lineEnd}${lineEnd}`
    : `data: ${JSON.stringify({ error: { message, type, param: null, code: null } })}${lineEnd}${lineEnd}`
  return { do: 'fail', bytes: Buffer.from(text) }
}

function sendBytes(bytes: Buffer): Step {
  return { do: 'send', bytes, tokens: 0, kind: 'open' }
}

function encodeEvent(event: StreamEvent, { lineEnd }: Behaviour, garbage: boolean): Buffer {
  const name = event.name === null ? '' : `event: ${event.name}${lineEnd}`
  // JSON may be broken between two fields: joined by the newline of a second data line it is the same JSON.
  const data = garbage ? event.data.replace(',"', `,${lineEnd}data: "`) : event.data
  return Buffer.from(`${name}data: ${data}${lineEnd}${lineEnd}`)
}

/**
 * Where to cut the bytes of the `nth` event in two: inside a character of several bytes if there is one, on every
 * other event at a place that moves along.
 */
export function splitPlace(bytes: Buffer, nth: number): number {
  if (nth % 2 === 0) {
    const inside = bytes.findIndex((byte) => byte >= 0xc0)
    if (inside >= 0) return inside + 1
  }
  return 1 + ((nth * 7) % Math.max(1, bytes.length - 1))
}
