/**
 * Reservations on their way to Redis: those of one turn of the event loop leave as one script call, and each
 * is answered or refused by its deadline. An answer that comes after all is given back, so that a
 * refused call takes nothing.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Claim, Correction, Verdict } from '@headgate/domain/limit'
import type { Breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { checkReply, readVerdict, type SpecTable, slotOf, specTable, writeClaims } from './ledger-batch.ts'
import { readScript, runScript } from './script.ts'
import { faultText } from './watched-link.ts'

type PendingCall = {
  readonly claims: readonly Claim[]
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (fault: GatewayError) => void
}

type Batch = {
  readonly table: SpecTable
  readonly args: string[]
  readonly calls: PendingCall[]
  ticks: number
}

type Means = {
  readonly client: RedisClient
  readonly prefix: string
  readonly gate: Breaker
  readonly deadlineMs: number
  /** Takes back what a late answer had taken. */
  readonly giveBack: (corrections: readonly Correction[]) => void
}

const TICK_MS = 10
const RETRY_AFTER_MS = 1_000
/** Bounds how long one script call may keep Redis from its other clients. */
const CALLS_PER_BATCH_MAX = 256
const EVERYTHING: Verdict = Object.freeze({ admitted: true, states: Object.freeze([]) })

export class Reservations {
  readonly #means: Means
  readonly #script = readScript('reserve')
  readonly #ticksMax: number
  /** By slot. */
  #gathering = new Map<string, Batch>()
  readonly #underWay = new Set<Batch>()
  #flushScheduled = false
  #ticker: NodeJS.Timeout | null = null

  constructor(means: Means) {
    this.#means = means
    this.#ticksMax = Math.ceil(means.deadlineMs / TICK_MS)
  }

  /** @throws GatewayError `limiter_unavailable` */
  reserve(claims: readonly Claim[]): Promise<Verdict> {
    const { client, prefix, gate } = this.#means
    const first = claims[0]
    if (first === undefined) return Promise.resolve(EVERYTHING)
    if (gate.isOpen() && !gate.allows(performance.now()))
      return Promise.reject(unavailable('Redis is not asked for now'))
    const slot = slotOf(client, first.bucket)
    const batch = this.#gathering.get(slot) ?? this.#newBatch(slot)
    writeClaims(batch.args, batch.table, prefix, claims)
    const answer = new Promise<Verdict>((resolve, reject) => {
      batch.calls.push({ claims, resolve, reject })
    })
    if (batch.calls.length >= CALLS_PER_BATCH_MAX) {
      this.#gathering.delete(slot)
      void this.#send(batch)
    }
    return answer
  }

  /** Refuses what is under way. */
  close(): void {
    for (const batch of this.#underWay) refuse(batch, 'the ledger was closed')
    this.#underWay.clear()
    this.#stopTicking()
  }

  #newBatch(slot: string): Batch {
    const batch = { table: specTable(), args: [], calls: [], ticks: 0 }
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
    const { table, args } = batch
    this.#underWay.add(batch)
    this.#ticker ??= setInterval(this.#tick, TICK_MS)
    try {
      const sent = { keys: table.keys, args: table.numbers.concat(args) }
      const reply = checkReply(await runScript(client, this.#script, sent), batch.calls)
      if (this.#underWay.has(batch)) gate.succeeded()
      this.#deliver(reply, batch)
    } catch (fault) {
      if (!this.#underWay.has(batch)) return
      gate.failed('error', performance.now())
      refuse(batch, faultText(fault))
    } finally {
      this.#underWay.delete(batch)
    }
  }

  #deliver(reply: readonly number[], batch: Batch): void {
    const inTime = this.#underWay.has(batch)
    let at = 1
    for (const call of batch.calls) {
      const verdict = readVerdict(reply, at, call.claims.length)
      at += 2 + 2 * call.claims.length
      if (inTime) call.resolve(verdict)
      else if (verdict.admitted)
        this.#means.giveBack(call.claims.map((claim) => ({ ...claim, delta: -claim.amount })))
    }
  }

  /** Counts ticks and not time, so that a busy event loop of our own is not taken for a slow Redis. */
  readonly #tick = (): void => {
    for (const batch of this.#underWay) {
      batch.ticks += 1
      if (batch.ticks <= this.#ticksMax) continue
      this.#underWay.delete(batch)
      this.#means.gate.failed('timeout', performance.now())
      refuse(batch, 'Redis did not answer within the deadline')
    }
    if (this.#underWay.size === 0) this.#stopTicking()
  }

  #stopTicking(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker)
    this.#ticker = null
  }
}

function refuse(batch: Batch, reason: string): void {
  for (const call of batch.calls) call.reject(unavailable(reason))
}

function unavailable(internal: string): GatewayError {
  return new GatewayError('limiter_unavailable', { internal, retryAfterMs: RETRY_AFTER_MS })
}
