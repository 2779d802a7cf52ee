/**
 * Reservations on their way to Redis: those of one turn of the event loop leave as one script call, and each
 * is answered or refused by its deadline. What may have been taken all the same is given back by its id, so
 * that a refused call takes nothing, whenever Redis got to it.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Ask, Verdict } from '@headgate/domain/reservation'
import type { Breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { bookOf, checkReply, LedgerBatch, readVerdict, verdictLength } from './ledger-batch.ts'
import { readScript, runScript } from './script.ts'
import { faultText } from './watched-link.ts'

type PendingCall = {
  readonly ask: Ask
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (fault: GatewayError) => void
}

type Batch = { readonly asked: LedgerBatch; readonly calls: PendingCall[]; length: number; ticks: number }

type Means = {
  readonly client: RedisClient
  readonly prefix: string
  readonly gate: Breaker
  readonly deadlineMs: number
  /** Told of every call that was refused without a verdict: Redis may take for it yet. */
  readonly giveBack: (ask: Ask) => void
}

const TICK_MS = 10
const RETRY_AFTER_MS = 1_000
/** Bounds how long one script call may keep Redis from its other clients. */
const CALLS_PER_BATCH_MAX = 256
const EVERYTHING: Verdict = Object.freeze({ admitted: true, states: Object.freeze([]) })

export class Reservations {
  readonly #means: Means
  readonly #script = readScript('ledger')
  readonly #ticksMax: number
  /** By book in a cluster, where one script call may touch one slot only; else one batch for all. */
  #gathering = new Map<string, Batch>()
  readonly #underWay = new Set<Batch>()
  #flushScheduled = false
  #ticker: NodeJS.Timeout | null = null

  constructor(means: Means) {
    this.#means = means
    this.#ticksMax = Math.ceil(means.deadlineMs / TICK_MS)
  }

  /** @throws GatewayError `limiter_unavailable` */
  reserve(ask: Ask): Promise<Verdict> {
    const { client, gate } = this.#means
    if (ask.claims.length === 0) return Promise.resolve(EVERYTHING)
    if (gate.isOpen() && !gate.allows(performance.now()))
      return Promise.reject(unavailable('Redis is not asked for now'))
    const slot = client.clustered ? bookOf(ask.claims) : ''
    const batch = this.#gathering.get(slot) ?? this.#newBatch(slot)
    batch.asked.reserve(ask)
    batch.length += verdictLength(ask.claims.length)
    const answer = new Promise<Verdict>((resolve, reject) => {
      batch.calls.push({ ask, resolve, reject })
    })
    if (batch.calls.length >= CALLS_PER_BATCH_MAX) {
      this.#gathering.delete(slot)
      void this.#send(batch)
    }
    return answer
  }

  /** Refuses what is under way. */
  close(): void {
    for (const batch of this.#underWay) this.#refuse(batch, 'the ledger was closed')
    this.#underWay.clear()
    this.#stopTicking()
  }

  #newBatch(slot: string): Batch {
    const batch = { asked: new LedgerBatch(this.#means.prefix), calls: [], length: 1, ticks: 0 }
    this.#gathering.set(slot, batch)
    if (!this.#flushScheduled) setImmediate(this.#flush)
    this.#flushScheduled = true
    return batch
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false
    const batches = this.#gathering
    this.#gathering = new Map()
    for (const batch of batches.values()) void this.#send(batch)
  }

  async #send(batch: Batch): Promise<void> {
    const { client, gate } = this.#means
    this.#underWay.add(batch)
    this.#ticker ??= setInterval(this.#tick, TICK_MS)
    try {
      const reply = checkReply(await runScript(client, this.#script, batch.asked.toCall()), batch.length)
      if (!this.#underWay.has(batch)) return
      gate.succeeded()
      let at = 1
      for (const { ask, resolve } of batch.calls) {
        resolve(readVerdict(reply, at, ask.claims.length))
        at += verdictLength(ask.claims.length)
      }
    } catch (fault) {
      if (!this.#underWay.has(batch)) return
      gate.failed('error', performance.now())
      this.#refuse(batch, faultText(fault))
    } finally {
      this.#underWay.delete(batch)
    }
  }

  /** Counts ticks and not time, so that a busy event loop of our own is not taken for a slow Redis. */
  readonly #tick = (): void => {
    for (const batch of this.#underWay) {
      batch.ticks += 1
      if (batch.ticks <= this.#ticksMax) continue
      this.#underWay.delete(batch)
      this.#means.gate.failed('timeout', performance.now())
      this.#refuse(batch, 'Redis did not answer within the deadline')
    }
    if (this.#underWay.size === 0) this.#stopTicking()
  }

  #refuse(batch: Batch, reason: string): void {
    for (const { ask, reject } of batch.calls) {
      this.#means.giveBack(ask)
      reject(unavailable(reason))
    }
  }

  #stopTicking(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    this.#ticker = null
  }
}

export function unavailable(internal: string): GatewayError {
  return new GatewayError('limiter_unavailable', { internal, retryAfterMs: RETRY_AFTER_MS })
}
