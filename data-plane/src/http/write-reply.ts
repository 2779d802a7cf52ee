/** Turns a reply, or whatever was thrown, into bytes on the caller's connection. The only place that does. */
import { errorBody, retryHeaders, toGatewayError } from '@headgate/domain/gateway-error'
import { Burst } from '../message/burst.ts'
import type { Line } from '../message/line.ts'
import type { Reply, ReplySink } from '../message/reply.ts'

/** How long a caller who does not read may take for the last bytes of a broken stream. */
const LAST_BYTES_MS = 5000
/** Puts the bytes of streams off to the end of the turn, where they leave one right after the other. */
export type StreamBurst = Burst<LineSink>

export function streamBurst(): StreamBurst {
  return new Burst((sink) => sink.flush())
}

/** Writes a reply; head and a whole body leave in one write. */
export function writeReply(line: Line, reply: Reply, burst: StreamBurst): void {
  const { status, headers, body } = reply
  if (line.destroyed) {
    // A stream has yet to be settled, and only its own end does that.
    if (!Buffer.isBuffer(body)) body.start(nowhere)
    return
  }
  if (Buffer.isBuffer(body)) line.writeWhole(status, headers, body)
  else {
    line.writeHead(status, headers, () => body.resume())
    body.start(new LineSink(line, burst))
  }
}

/**
 * Writes what was thrown in OpenAI's shape.
 * The connection is used again only if the whole request was read.
 */
export function writeError(line: Line, thrown: unknown, requestId: string): void {
  if (line.destroyed || line.headSent) return
  const error = toGatewayError(thrown)
  const headers = ['content-type', 'application/json', 'x-request-id', requestId]
  const more = { ...retryHeaders(error), ...error.detail.headers }
  for (const [name, value] of Object.entries(more)) headers.push(name, value)
  if (!line.complete) line.closeAfter()
  line.writeWhole(error.status, headers, Buffer.from(errorBody(error, requestId)))
}

/** Where a stream goes whose caller left before it began. */
const nowhere: ReplySink = { write: () => true, end: () => {}, breakOff: () => {} }

class LineSink implements ReplySink {
  readonly #line: Line
  readonly #burst: StreamBurst
  /** What came in this turn of the event loop. */
  #waiting: Buffer[] = []

  constructor(line: Line, burst: StreamBurst) {
    this.#line = line
    this.#burst = burst
  }

  write(chunk: Buffer): boolean {
    if (this.#waiting.push(chunk) === 1) this.#burst.add(this)
    return !this.#line.full
  }

  flush(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    this.#line.write(waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting))
  }

  end(): void {
    this.flush()
    this.#line.end()
  }

  breakOff(lastBytes: Buffer): void {
    this.flush()
    // The last chunk of the encoding is never written: every client library sees a cut, none sees an end.
    const giveUp = setTimeout(() => this.#line.destroy(), LAST_BYTES_MS)
    this.#line.write(lastBytes, () => {
      clearTimeout(giveUp)
      this.#line.destroy()
    })
  }
}
