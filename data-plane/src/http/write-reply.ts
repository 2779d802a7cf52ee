/** Turns a reply, or whatever was thrown, into bytes on the caller's connection. The only place that does. */
import type { ServerResponse } from 'node:http'
import { errorBody, retryHeaders, toGatewayError } from '@headgate/domain/gateway-error'
import { Burst } from '../message/burst.ts'
import type { Reply, ReplySink } from '../message/reply.ts'

/** How long a caller who does not read may take for the last bytes of a broken stream. */
const LAST_BYTES_MS = 5000
/**
 * Up to here a body goes out as a string in which each character is one byte: joined with the head it is one
 * buffer for the kernel instead of two, which costs a fifth less. Larger ones are not worth the copy.
 */
const ONE_WRITE_BYTES_MAX = 16_384

/** Puts the bytes of streams off to the end of the turn, where they leave one right after the other. */
export type StreamBurst = Burst<ResponseSink>

export function streamBurst(): StreamBurst {
  return new Burst((sink) => sink.flush())
}

/** Writes a reply; head and a whole body leave in one write. */
export function writeReply(response: ServerResponse, reply: Reply, burst: StreamBurst): void {
  const { status, headers, body } = reply
  if (response.destroyed) {
    // A stream has yet to be settled, and only its own end does that.
    if (!Buffer.isBuffer(body)) body.start(nowhere)
    return
  }
  if (Buffer.isBuffer(body)) {
    response.writeHead(status, [...headers, 'content-length', String(body.length)])
    if (body.length <= ONE_WRITE_BYTES_MAX) response.end(body.toString('latin1'), 'latin1')
    else response.end(body)
    return
  }
  response.writeHead(status, headers as string[])
  response.on('drain', () => body.resume())
  body.start(new ResponseSink(response, burst))
}

/**
 * Writes what was thrown in OpenAI's shape.
 * @param keepOpen false when the rest of the request is still unread and the connection cannot be used again
 */
export function writeError(
  response: ServerResponse,
  thrown: unknown,
  { requestId, keepOpen }: { requestId: string; keepOpen: boolean },
): void {
  if (response.destroyed || response.headersSent) return
  const error = toGatewayError(thrown)
  const body = Buffer.from(errorBody(error, requestId))
  const headers = ['content-type', 'application/json', 'x-request-id', requestId]
  const more = { ...retryHeaders(error), ...error.detail.headers }
  for (const [name, value] of Object.entries(more)) headers.push(name, value)
  if (!keepOpen) headers.push('connection', 'close')
  headers.push('content-length', String(body.length))
  response.writeHead(error.status, headers)
  response.end(body)
}

/** Where a stream goes whose caller left before it began. */
const nowhere: ReplySink = { write: () => true, end: () => {}, breakOff: () => {} }

class ResponseSink implements ReplySink {
  readonly #response: ServerResponse
  readonly #burst: StreamBurst
  /** What came in this turn of the event loop. */
  #waiting: Buffer[] = []

  constructor(response: ServerResponse, burst: StreamBurst) {
    this.#response = response
    this.#burst = burst
    response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    if (this.#waiting.push(chunk) === 1) this.#burst.add(this)
    return !this.#response.writableNeedDrain
  }

  flush(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    this.#response.write(waiting.length === 1 ? waiting[0] : Buffer.concat(waiting))
  }

  end(): void {
    this.flush()
    this.#response.end()
  }

  breakOff(lastBytes: Buffer): void {
    this.flush()
    // The last chunk of the encoding is never written: every client library sees a cut, none sees an end.
    const giveUp = setTimeout(() => this.#response.destroy(), LAST_BYTES_MS)
    this.#response.write(lastBytes, () => {
      clearTimeout(giveUp)
      this.#response.destroy()
    })
  }
}
