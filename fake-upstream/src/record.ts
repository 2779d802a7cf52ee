/**
 * The record: what the fake served and what it would bill, call by call. Accounting tests compare the gateway's
 * books with it. Memory is bounded: the oldest calls go first, and bodies go before calls.
 */
import { hash } from 'node:crypto'
import type { ApiStyle } from './api-style.ts'
import { type Bill, emptyBill } from './bill.ts'
import type { EndpointName } from './route.ts'

/**
 * How a call ended. `complete`: all that was meant to be sent was sent. `error`: an error was sent, before or
 * inside the stream. `cut`: we broke it off on purpose. `client-gone`: the client left first.
 */
export type Outcome = 'complete' | 'client-gone' | 'cut' | 'error'

export type ServedCall = {
  /** From 1, in the order in which requests arrived. */
  sequence: number
  method: string
  /** With its query, as received. */
  path: string
  style: ApiStyle
  /** null for a path that is not there. */
  endpoint: EndpointName | null
  model: string | null
  /** As received, but credentials are `sha256:` and the first twelve hex digits of their hash. */
  headers: readonly (readonly [name: string, value: string])[]
  bodyBytes: number
  bodySha256: string | null
  /** The first 64 KiB of the request body; null when there was none or it has been dropped to bound memory. */
  body: Buffer | null
  stream: boolean
  /** null while nothing was answered. */
  status: number | null
  /** Bytes of the answer's body handed to the socket. */
  bytesSent: number
  eventsSent: number
  billed: Bill
  /** The first 64 KiB of the answer's body, kept only when the server was told to; null otherwise. */
  answer: Buffer | null
  /** null while the call is under way. */
  outcome: Outcome | null
  startedAtMs: number
  endedAtMs: number | null
  clientGoneAtMs: number | null
}

export type CallRecord = {
  open: (facts: {
    method: string
    path: string
    style: ApiStyle
    rawHeaders: readonly string[]
  }) => ServedCall
  keepBody: (call: ServedCall, body: Buffer) => void
  keepAnswer: (call: ServedCall, chunks: readonly Buffer[]) => void
  /** Copies of all calls still held, oldest first. */
  list: () => ServedCall[]
  /** Calls no longer held. */
  dropped: () => number
  reset: () => void
}

/** What is kept of a body, and of all bodies together. */
const BODY_KEPT_BYTES_MAX = 64 * 1024
const BODIES_KEPT_BYTES_MAX = 64 * 1024 * 1024

const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'api-key',
  'x-api-key',
  'ocp-apim-subscription-key',
  'cookie',
])

/** An empty record that holds at most `callsMax` calls. */
export function openRecord(callsMax: number): CallRecord {
  let calls: ServedCall[] = []
  let dropped = 0
  let sequence = 0
  let keptBytes = 0
  let bodiesFrom = 0

  const dropBodies = () => {
    for (; keptBytes > BODIES_KEPT_BYTES_MAX && bodiesFrom < calls.length; bodiesFrom++) {
      const call = calls[bodiesFrom]
      if (call === undefined) continue
      keptBytes -= keptBytesOf(call)
      call.body = null
      call.answer = null
    }
  }
  const dropCalls = () => {
    // A tenth at once, so that the list is not moved for every call.
    const gone = calls.splice(0, Math.max(1, Math.floor(callsMax / 10)))
    for (const call of gone) keptBytes -= keptBytesOf(call)
    dropped += gone.length
    bodiesFrom = Math.max(0, bodiesFrom - gone.length)
  }
  return {
    open: (facts) => {
      if (calls.length >= callsMax) dropCalls()
      const call = newCall(++sequence, facts)
      calls.push(call)
      return call
    },
    keepBody: (call, body) => {
      call.bodyBytes = body.length
      call.bodySha256 = hash('sha256', body, 'hex')
      // A copy, because a slice would keep the whole of a large body alive.
      call.body =
        body.length <= BODY_KEPT_BYTES_MAX ? body : Buffer.from(body.subarray(0, BODY_KEPT_BYTES_MAX))
      keptBytes += call.body.length
      dropBodies()
    },
    keepAnswer: (call, chunks) => {
      const answer = Buffer.concat(chunks)
      call.answer = answer.subarray(0, BODY_KEPT_BYTES_MAX)
      keptBytes += call.answer.length
      dropBodies()
    },
    list: () => calls.map((call) => ({ ...call, billed: { ...call.billed } })),
    dropped: () => dropped,
    reset: () => {
      calls = []
      dropped = 0
      sequence = 0
      keptBytes = 0
      bodiesFrom = 0
    },
  }
}

function keptBytesOf({ body, answer }: ServedCall): number {
  return (body?.length ?? 0) + (answer?.length ?? 0)
}

function newCall(
  sequence: number,
  facts: { method: string; path: string; style: ApiStyle; rawHeaders: readonly string[] },
): ServedCall {
  return {
    sequence,
    method: facts.method,
    path: facts.path,
    style: facts.style,
    endpoint: null,
    model: null,
    headers: redactHeaders(facts.rawHeaders),
    bodyBytes: 0,
    bodySha256: null,
    body: null,
    stream: false,
    status: null,
    bytesSent: 0,
    eventsSent: 0,
    billed: emptyBill(),
    answer: null,
    outcome: null,
    startedAtMs: Date.now(),
    endedAtMs: null,
    clientGoneAtMs: null,
  }
}

function redactHeaders(rawHeaders: readonly string[]): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    const value = rawHeaders[index + 1] ?? ''
    headers.push([name, CREDENTIAL_HEADERS.has(name.toLowerCase()) ? fingerprint(value) : value])
  }
  return headers
}

/** What the record shows of a credential: enough to tell two apart, not enough to use one. */
function fingerprint(credential: string): string {
  return `sha256:${hash('sha256', credential, 'hex').slice(0, 12)}`
}
