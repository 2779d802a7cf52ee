/**
 * One exchange with an upstream: a request that left, its head when it comes, its bytes as they come, and the
 * clock that runs against it. Knows nothing of sockets; a carrier moves the bytes.
 */
import type { ResponseHead } from './response-parser.ts'

const DISCARD_BYTES_MAX = 65_536

/** Who takes the bytes. Set once the head has been looked at; earlier bytes wait. */
export interface ExchangeReader {
  onBytes(chunk: Buffer): void
  /** The whole answer has come. */
  onEnd(): void
  /** The answer broke off, or was cancelled. */
  onBroken(error: Error): void
}

/** What carries an exchange's bytes. */
export interface Carrier {
  pause(): void
  resume(): void
  /** Ends the connection; the upstream sees it close. */
  destroy(): void
}

export type ExchangeTimeouts = {
  /** Until the head has come. */
  readonly headMs: number
  /** Between two pieces of the answer. */
  readonly idleMs: number
  /** For all of it. */
  readonly totalMs: number
}

export class UpstreamTimeout extends Error {
  override readonly name = 'UpstreamTimeout'
}

export class Exchange {
  readonly head: Promise<ResponseHead>
  readonly #timeouts: ExchangeTimeouts
  readonly #startedMs: number
  readonly #onDone: (exchange: Exchange) => void
  #resolveHead: (head: ResponseHead) => void = () => {}
  #rejectHead: (error: Error) => void = () => {}
  #carrier: Carrier | null = null
  #reader: ExchangeReader | null = null
  #early: Buffer | Buffer[] | null = null
  #headSeen = false
  #ended = false
  #paused = false
  #error: Error | null = null
  #lastMs: number

  constructor(timeouts: ExchangeTimeouts, nowMs: number, onDone: (exchange: Exchange) => void) {
    this.#timeouts = timeouts
    this.#startedMs = nowMs
    this.#lastMs = nowMs
    this.#onDone = onDone
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve
      this.#rejectHead = reject
    })
  }

  /** True when the exchange is over, well or badly. */
  get ended(): boolean {
    return this.#ended
  }

  /** The whole answer, when all of it has come already; null when it has not. */
  takeWhole(): Buffer | null {
    if (!this.#ended || this.#error !== null || this.#reader !== null) return null
    return Array.isArray(this.#early) ? Buffer.concat(this.#early) : (this.#early ?? Buffer.alloc(0))
  }

  /** Hands over what has come so far and everything after it. */
  read(reader: ExchangeReader): void {
    this.#reader = reader
    if (Array.isArray(this.#early)) for (const chunk of this.#early) reader.onBytes(chunk)
    else if (this.#early) reader.onBytes(this.#early)
    this.#early = null
    if (this.#error) reader.onBroken(this.#error)
    else if (this.#ended) reader.onEnd()
  }

  /** Lets the rest of the answer go by unread, so that the connection can be used again; a long one is cut. */
  discard(): void {
    let bytes = 0
    this.read({
      onBytes: (chunk) => {
        bytes += chunk.length
        if (bytes > DISCARD_BYTES_MAX) this.cancel(new Error('discarded'))
      },
      onEnd: () => {},
      onBroken: () => {},
    })
  }

  pause(): void {
    this.#paused = true
    this.#carrier?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#lastMs = performance.now()
    this.#carrier?.resume()
  }

  /** Ends the exchange now; the upstream sees its connection close. */
  cancel(reason: Error): void {
    if (this.#ended) return
    const carrier = this.#carrier
    this.#finish(reason)
    carrier?.destroy()
  }

  /** Called by the clock tick; ends the exchange when a time-out has passed. */
  checkTime(nowMs: number): void {
    const { headMs, idleMs, totalMs } = this.#timeouts
    const quietMs = nowMs - this.#lastMs
    if (nowMs - this.#startedMs > totalMs) this.cancel(new UpstreamTimeout(`not done after ${totalMs} ms`))
    else if (!this.#headSeen && quietMs > headMs)
      this.cancel(new UpstreamTimeout(`no head after ${headMs} ms`))
    else if (this.#headSeen && !this.#paused && quietMs > idleMs) {
      this.cancel(new UpstreamTimeout(`silent for ${idleMs} ms`))
    }
  }

  /** A connection has taken the exchange; from now on it tells what comes. */
  carriedBy(carrier: Carrier): void {
    this.#carrier = carrier
  }

  onHead(head: ResponseHead): void {
    this.#headSeen = true
    this.#lastMs = performance.now()
    this.#resolveHead(head)
  }

  onBytes(chunk: Buffer): void {
    this.#lastMs = performance.now()
    if (this.#reader) this.#reader.onBytes(chunk)
    else if (this.#early === null) this.#early = chunk
    else if (Array.isArray(this.#early)) this.#early.push(chunk)
    else this.#early = [this.#early, chunk]
  }

  onEnd(): void {
    this.#finish(null)
  }

  onBroken(error: Error): void {
    this.#finish(error)
  }

  #finish(error: Error | null): void {
    if (this.#ended) return
    this.#ended = true
    this.#carrier = null
    this.#error = error
    this.#onDone(this)
    if (error && !this.#headSeen) this.#rejectHead(error)
    if (error) this.#reader?.onBroken(error)
    else this.#reader?.onEnd()
  }
}
