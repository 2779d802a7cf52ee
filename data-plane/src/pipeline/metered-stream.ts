/**
 * A streamed answer on its way through: bytes leave as they come, back-pressure goes both ways, and when it
 * ends, however it ends, the call is settled on what was seen. A cut is shown as a cut, never as an end.
 */

import { type Cost, costOf } from '@headgate/domain/cost'
import { errorBody, GatewayError } from '@headgate/domain/gateway-error'
import type { Usage } from '@headgate/domain/usage'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { EventStream } from '../endpoints/event-stream.ts'
import { SaidStream } from '../endpoints/said-stream.ts'
import type { ReplySink, ReplySource } from '../message/reply.ts'
import { type ExchangeReader, UpstreamTimeout } from '../upstreams/exchange.ts'
import type { Answered } from './call.ts'
import { closingComment } from './closing-comment.ts'
import { type Ending, recordOf } from './ending.ts'
import type { Gateway } from './gateway.ts'
import type { LiveStream } from './live-streams.ts'
import { tellJournal, tellLedger } from './progress.ts'
import { estimatedUsage, settle } from './settle.ts'
import { settleUncounted } from './settle-uncounted.ts'

const HEARTBEAT_MS = 15_000
const STALLED_READER_MS = 60_000
const BYTES_PER_TOKEN = 4
/** What may be missing from the record of a stream whose gateway died: this much time, or so many tokens. */
const NOTE_EACH_MS = 5_000
const NOTE_EACH_TOKENS = 500
const HEARTBEAT = Buffer.from(': heartbeat\n\n')

type End = { outcome: 'succeeded' | 'aborted' | 'truncated'; errorCode: string | null }

export class MeteredStream implements ReplySource, ExchangeReader, LiveStream {
  readonly #call: Answered
  readonly #gateway: Gateway
  readonly #events: EventStream
  /** False when the provider compressed the stream unasked: then it passes as it is, nothing read, nothing put in. */
  readonly #readable: boolean
  /** For the case that nobody tells the usage; null where it cannot be read, or was told. */
  #said: SaidStream | null
  #sink: ReplySink | null = null
  #replyBytes = 0
  #firstByteAtMs: number | null = null
  #lastByteAtMs: number
  #pausedAtMs: number | null = null
  #over = false
  #notedAtMs: number
  #noteAtEvents = NOTE_EACH_TOKENS
  #usageNoted = false

  constructor(call: Answered, gateway: Gateway) {
    this.#call = call
    this.#gateway = gateway
    this.#lastByteAtMs = call.upstream.headAtMs
    this.#notedAtMs = call.upstream.headAtMs
    this.#readable = (call.upstream.head.headers['content-encoding'] ?? 'identity') === 'identity'
    const withholds = call.endpoint.streamUsage === 'on-request' && !call.asksUsage
    this.#events = new EventStream(withholds, call.endpoint.finalMarks)
    this.#said = this.#readable && call.endpoint.metered ? new SaidStream(gateway.saidRoom) : null
  }

  get requestId(): string {
    return this.#call.request.id
  }

  soFar(): UsageRecord {
    const ending = this.#endingAs({ outcome: 'succeeded', errorCode: null })
    const { tokens, details, serviceTier } = ending.usage
    const cost = costOf(tokens, this.#call.price, details, serviceTier)
    return recordOf(this.#call, ending, cost, this.#gateway.clock.monotonicMs())
  }

  start(sink: ReplySink): void {
    this.#sink = sink
    this.#gateway.streams.add(this)
    this.#call.upstream.exchange.read(this)
  }

  resume(): void {
    this.#pausedAtMs = null
    this.#call.upstream.exchange.resume()
  }

  onBytes(chunk: Buffer): void {
    this.#lastByteAtMs = this.#gateway.clock.monotonicMs()
    this.#firstByteAtMs ??= this.#lastByteAtMs
    const passed = this.#readable ? this.#events.push(chunk) : chunk
    if (this.#events.usage !== null) this.#forgetSaid()
    if (this.#events.events >= this.#noteAtEvents || (this.#events.usage !== null && !this.#usageNoted))
      this.#note(this.#lastByteAtMs)
    if (passed.length > 0) this.#write(passed)
  }

  onEnd(): void {
    const rest = this.#events.flush()
    if (rest.length > 0) this.#write(rest)
    if (this.#events.finished || !this.#readable) this.#finish({ outcome: 'succeeded', errorCode: null })
    else this.#breakOff(new GatewayError('upstream_truncated'))
  }

  onBroken(error: Error): void {
    if (this.#call.request.gone) this.#finish({ outcome: 'aborted', errorCode: 'client_closed' })
    else if (error instanceof UpstreamTimeout) this.#breakOff(new GatewayError('upstream_timeout'))
    else if (error instanceof GatewayError) this.#breakOff(error)
    else this.#breakOff(new GatewayError('upstream_truncated'))
  }

  tick(nowMs: number): void {
    tellLedger(this.#call, this.#events.usage ?? this.#estimate(), this.#gateway)
    if (nowMs - this.#notedAtMs >= NOTE_EACH_MS) this.#note(nowMs)
    if (this.#pausedAtMs !== null) {
      if (nowMs - this.#pausedAtMs > STALLED_READER_MS) {
        this.#call.upstream.exchange.cancel(new GatewayError('client_closed'))
      }
    } else if (nowMs - this.#lastByteAtMs >= HEARTBEAT_MS && this.#events.atBoundary && this.#readable) {
      this.#lastByteAtMs = nowMs
      this.#sink?.write(HEARTBEAT)
    }
  }

  shutDown(): void {
    this.#call.upstream.exchange.cancel(new GatewayError('draining'))
  }

  /** Tells the journal what was used by now. */
  #note(nowMs: number): void {
    const { usage, events } = this.#events
    this.#notedAtMs = nowMs
    this.#noteAtEvents = events + NOTE_EACH_TOKENS
    this.#usageNoted = usage !== null
    tellJournal(this.#call, usage ?? this.#estimate(), {
      usageSource: usage === null ? 'estimated' : 'reported',
      replyBytes: this.#replyBytes,
    })
  }

  #write(bytes: Buffer): void {
    this.#replyBytes += bytes.length
    this.#said?.keep(bytes)
    if (this.#sink?.write(bytes) === false && this.#pausedAtMs === null) {
      this.#pausedAtMs = this.#gateway.clock.monotonicMs()
      this.#call.upstream.exchange.pause()
    }
  }

  /** Tells the caller in an error event, then breaks the connection. */
  #breakOff(error: GatewayError): void {
    const gap = this.#events.atBoundary ? '' : '\n\n'
    const told = this.#readable ? `${gap}data: ${errorBody(error, this.#call.request.id)}\n\n` : ''
    this.#finish({ outcome: error.code === 'client_closed' ? 'aborted' : 'truncated', errorCode: error.code })
    this.#sink?.breakOff(Buffer.from(told))
  }

  #finish(end: End): void {
    if (this.#over) return
    this.#over = true
    this.#gateway.streams.remove(this)
    const cost = this.#settle(this.#endingAs(end))
    this.#forgetSaid()
    if (end.outcome !== 'succeeded') return
    if (cost !== null) this.#tellCost(cost)
    this.#sink?.end()
  }

  /** Gives the cost where the provider told the usage; what is counted or held to be is known to nobody yet. */
  #settle(ending: Ending): Cost | null {
    if (ending.usageSource === 'reported') return settle(this.#call, ending, this.#gateway)
    const said = this.#said
    this.#said = null
    if (said === null) settle(this.#call, ending, this.#gateway)
    else void settleUncounted(this.#call, ending, said.textsInTurn(), this.#gateway)
    return null
  }

  #forgetSaid(): void {
    this.#said?.forget()
    this.#said = null
  }

  /** Behind all that the provider sent. An event that it did not end is not ended by us. */
  #tellCost(cost: Cost): void {
    if (!this.#readable || !this.#events.atBoundary) return
    const comment = closingComment(cost)
    if (comment !== null) this.#sink?.write(comment)
  }

  #endingAs({ outcome, errorCode }: End): Ending {
    const usage = this.#events.usage
    return {
      outcome,
      errorCode,
      status: outcome === 'aborted' ? 499 : this.#call.upstream.head.status,
      usage: usage ?? this.#estimate(),
      usageSource: usage ? 'reported' : 'estimated',
      replyBytes: this.#replyBytes,
      firstByteAtMs: this.#firstByteAtMs,
    }
  }

  /** Providers send about one token an event, and bill what they made whether or not it was read. */
  #estimate(): Usage {
    const output = this.#readable ? this.#events.events : Math.ceil(this.#replyBytes / BYTES_PER_TOKEN)
    return estimatedUsage(this.#call, output)
  }
}
