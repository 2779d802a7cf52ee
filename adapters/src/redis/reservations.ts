/**
 * Reservations on their way to Redis: those of one turn of the event loop leave as one script call, and each
 * is answered or refused by its deadline. What may have been taken all the same is given back by its id, so
 * that a refused call takes nothing, whenever Redis got to it.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import { type Ask, type PoolState, unsent, type Verdict } from '@headgate/domain/reservation'
import type { Breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { bookOf, checkReply, LedgerBatch, readStates, readVerdict, verdictLength } from './ledger-batch.ts'
import { runScript, type Script } from './script.ts'
import { faultText } from './watched-link.ts'

/** Takes; tells what taking would say; gives back what was taken. The last two tell what pools hold then. */
type Manner = 'take' | 'judge' | 'give back'

type PendingCall = {
  readonly ask: Ask
  readonly manner: Manner
  readonly resolve: (verdict: Verdict) => void
  readonly reject: (fault: GatewayError) => void
}

type Batch = {
  readonly asked: LedgerBatch
  readonly calls: PendingCall[]
  length: number
  sentAtMs: number
  ticks: number
}

type Means = {
  readonly client: RedisClient
  readonly prefix: string
  readonly script: Script
  readonly leaseMs: number
  readonly gate: Breaker
  readonly deadlineMs: number
  /** Told of every call that was admitted, before whoever asked is. */
  readonly admitted: (ask: Ask) => void
  /** Told of every call that was refused without a verdict: Redis may take for it yet. */
  readonly giveBack: (ask: Ask) => void
}

const TICK_MS = 5
/** A busy event loop of our own is not to be taken for a slow Redis: replies get this many chances to be read. */
const TICKS_MIN = 3
const RETRY_AFTER_MS = 1_000
/** Bounds how long one script call may keep Redis from its other clients. */
const CALLS_PER_BATCH_MAX = 256
const EVERYTHING: Verdict = Object.freeze({ admitted: true, states: Object.freeze([]) })

export class Reservations {
  readonly #means: Means
  /** By book in a cluster, where one script call may touch one slot only; else one batch for all. */
  #gathering = new Map<string, Batch>()
  readonly #underWay = new Set<Batch>()
  #flushScheduled = false
  #ticker: NodeJS.Timeout | null = null

  constructor(means: Means) {
    this.#means = means
  }

  /** @throws GatewayError `limiter_unavailable` */
  reserve(ask: Ask): Promise<Verdict> {
    if (ask.claims.length === 0) return Promise.resolve(EVERYTHING)
    return this.#ask(ask, 'take')
  }

  /**
   * What the verdict on a call would be; takes nothing.
   * @throws GatewayError `limiter_unavailable`
   */
  judge(ask: Ask): Promise<Verdict> {
    return this.#ask(ask, 'judge')
  }

  /**
   * Gives back a reservation at once, and tells what its pools hold then.
   * @throws GatewayError `limiter_unavailable`; it is given back later then
   */
  async giveBack(ask: Ask): Promise<readonly PoolState[]> {
    return (await this.#ask(ask, 'give back')).states
  }

  #ask(ask: Ask, manner: Manner): Promise<Verdict> {
    const { client, gate } = this.#means
    if (gate.isOpen() && !gate.allows(performance.now())) {
      if (manner === 'give back') this.#means.giveBack(ask)
      return Promise.reject(unavailable('Redis is not asked for now'))
    }
    const slot = client.clustered ? bookOf(ask.claims) : ''
    const batch = this.#gathering.get(slot) ?? this.#newBatch(slot)
    batch.length += write(batch.asked, ask, manner)
    const answer = new Promise<Verdict>((resolve, reject) => {
      batch.calls.push({ ask, manner, resolve, reject })
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
    const { prefix, leaseMs } = this.#means
    const batch = { asked: new LedgerBatch(prefix, leaseMs), calls: [], length: 1, sentAtMs: 0, ticks: 0 }
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
    const { client, gate, script, admitted } = this.#means
    this.#underWay.add(batch)
    batch.sentAtMs = performance.now()
    this.#ticker ??= setInterval(this.#tick, TICK_MS)
    try {
      const reply = checkReply(await runScript(client, script, batch.asked.toCall()), batch.length)
      if (!this.#underWay.has(batch)) return
      gate.succeeded()
      let at = 1
      for (const { ask, manner, resolve } of batch.calls) {
        const verdict = read(reply, at, ask, manner)
        if (manner === 'take' && verdict.admitted) admitted(ask)
        resolve(verdict)
        at += lengthOf(ask, manner)
      }
    } catch (fault) {
      if (!this.#underWay.has(batch)) return
      gate.failed('error', performance.now())
      this.#refuse(batch, faultText(fault))
    } finally {
      this.#underWay.delete(batch)
    }
  }

  readonly #tick = (): void => {
    const nowMs = performance.now()
    for (const batch of this.#underWay) {
      batch.ticks += 1
      if (batch.ticks < TICKS_MIN || nowMs - batch.sentAtMs < this.#means.deadlineMs) continue
      this.#underWay.delete(batch)
      this.#means.gate.failed('timeout', nowMs)
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

/** @returns integers that the reply will hold for it */
function write(batch: LedgerBatch, ask: Ask, manner: Manner): number {
  if (manner !== 'give back') batch.reserve(ask)
  if (manner !== 'take') {
    batch.settle(bookOf(ask.claims), ask.id, unsent)
    for (const claim of ask.claims) batch.look(claim)
  }
  return lengthOf(ask, manner)
}

function lengthOf({ claims }: Ask, manner: Manner): number {
  const verdict = manner === 'give back' ? 0 : verdictLength(claims.length)
  return manner === 'take' ? verdict : verdict + 2 * claims.length
}

function read(reply: readonly number[], at: number, { claims }: Ask, manner: Manner): Verdict {
  if (manner === 'give back') return { admitted: true, states: readStates(reply, at, claims.length) }
  const verdict = readVerdict(reply, at, claims.length)
  if (manner === 'take') return verdict
  return { ...verdict, states: readStates(reply, at + verdictLength(claims.length), claims.length) }
}

export function unavailable(internal: string): GatewayError {
  return new GatewayError('limiter_unavailable', { internal, retryAfterMs: RETRY_AFTER_MS })
}
