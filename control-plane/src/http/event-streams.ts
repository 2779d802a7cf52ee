/**
 * Sends event streams: one connection each that stays open, with a heartbeat. Nobody holds more than a few, whoever
 * loses the right is let go within a heartbeat, whoever does not read is cut instead of being kept for, and a process
 * that stops ends them all. Each end but that of the connection itself is told in a last event.
 */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import {
  EVENT_STREAM,
  type EventSource,
  eventText,
  PROBLEM_EVENT,
} from '@headgate/admin-contract/event-stream'
import { AdminProblem } from '@headgate/admin-contract/problem'
import { renameKeys } from '@headgate/admin-contract/wire'
import { problemBody, toProblem } from './problem.ts'

export type StreamTimes = {
  /** A comment is sent, and the right judged anew, this often. */
  readonly heartbeatMs: number
  /** How long whoever reads may take to make room. */
  readonly slowMs: number
  /** How long they may take to read the last event. */
  readonly farewellMs: number
}

export type StreamRules = StreamTimes & {
  readonly perCallerMax: number
  readonly allMax: number
  /** Raised when the process stops. */
  readonly stopping: AbortSignal
}

export type OpenStream = {
  /** Whose it is, for the bound of each. */
  readonly caller: string
  readonly events: EventSource<unknown>
  /** Throws when whoever reads may no more. */
  readonly judge: () => Promise<void>
}

type Receiver = {
  readonly raw: ServerResponse
  /** Tells the framework that the connection is no more its own. */
  readonly takeOver: () => void
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>
  readonly request: { readonly id: string; readonly path: string }
}

export type EventStreams = {
  /**
   * Sends a stream until it ends; never throws once it has begun.
   * @throws AdminProblem `too_many_streams`, or what the first look for events threw; nothing was sent then
   */
  send(stream: OpenStream, to: Receiver): Promise<void>
}

/** Makes what sends all streams of a process. */
export function eventStreams(rules: StreamRules): EventStreams {
  const open = new Map<string, number>()
  let all = 0
  const count = (caller: string, change: 1 | -1) => {
    all += change
    const now = (open.get(caller) ?? 0) + change
    if (now === 0) open.delete(caller)
    else open.set(caller, now)
  }
  return {
    send: async (stream, to) => {
      const { caller, events } = stream
      if ((open.get(caller) ?? 0) >= rules.perCallerMax || all >= rules.allMax) throw tooMany(rules)
      count(caller, 1)
      const iterator = events[Symbol.asyncIterator]()
      try {
        // What is wrong from the start is answered as any request is.
        const first = await iterator.next()
        begin(to)
        await pump({ ...stream, iterator, first }, to, rules).catch((fault) => farewell(fault, to, rules))
      } finally {
        count(caller, -1)
        await iterator.return?.()
      }
    },
  }
}

function tooMany({ perCallerMax }: StreamRules): AdminProblem {
  return new AdminProblem(
    'too_many_streams',
    `Each caller may hold ${perCallerMax} streams open, and all together not many more. Close one first.`,
  )
}

function begin({ raw, headers, takeOver }: Receiver): void {
  takeOver()
  raw.writeHead(200, {
    ...headers,
    'content-type': `${EVENT_STREAM}; charset=utf-8`,
    // The next request takes another connection, so that a stop need not wait for this one to be idle.
    connection: 'close',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
}

type Pumped = OpenStream & {
  readonly iterator: AsyncIterator<{ id: string; data: unknown } | null>
  readonly first: IteratorResult<{ id: string; data: unknown } | null>
}

async function pump(
  { iterator, first, judge }: Pumped,
  { raw }: Receiver,
  rules: StreamRules,
): Promise<void> {
  let dueMs = performance.now() + rules.heartbeatMs
  await write(raw, ': begun\n\n', rules)
  for (let next = first; next.done !== true; next = await iterator.next()) {
    if (raw.destroyed) return
    if (rules.stopping.aborted) throw new AdminProblem('draining', 'This process is shutting down.')
    if (next.value !== null) await write(raw, textOf(next.value), rules)
    if (performance.now() < dueMs) continue
    dueMs = performance.now() + rules.heartbeatMs
    await judge()
    await write(raw, ': alive\n\n', rules)
  }
  raw.end()
}

function textOf({ id, data }: { id: string; data: unknown }): string {
  return eventText({ id, data: JSON.stringify(renameKeys(data)) })
}

/** Waits where there is no room. @throws AdminProblem `stream_ended` when there is none for too long */
async function write(raw: ServerResponse, text: string, { slowMs }: StreamRules): Promise<void> {
  if (raw.write(text) || raw.destroyed) return
  const room = await once(raw, 'drain', { signal: AbortSignal.timeout(slowMs) }).catch(() => null)
  if (room !== null || raw.destroyed) return
  throw new AdminProblem(
    'stream_ended',
    `You read too slowly: nothing more went through for ${slowMs / 1000} s. Narrow the filter, or read faster.`,
  )
}

/** Says why, and goes whether or not it is heard. */
async function farewell(
  fault: unknown,
  { raw, request }: Receiver,
  { farewellMs }: StreamRules,
): Promise<void> {
  if (raw.destroyed) return
  raw.end(eventText({ event: PROBLEM_EVENT, data: problemBody(toProblem(fault), request) }))
  await once(raw, 'close', { signal: AbortSignal.timeout(farewellMs) }).catch(() => raw.destroy())
}
