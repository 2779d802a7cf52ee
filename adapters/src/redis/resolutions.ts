/**
 * How reservations end, on the way to Redis: nobody waits for it, so what comes within a few milliseconds goes
 * together. While Redis is away ends are kept, and sent again when a reply got lost: an end that was told twice
 * is one end. What is kept for too long is dropped; the lease ends it then.
 */
import { type Pool, tagOf, type Used } from '@headgate/domain/reservation'
import type { Breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { LedgerBatch } from './ledger-batch.ts'
import { runScript, type Script } from './script.ts'

type Op =
  | { readonly op: 'settle'; readonly book: string; readonly id: string; readonly used: Used }
  | { readonly op: 'give-back'; readonly book: string; readonly id: string }
  | {
      readonly op: 'renew'
      readonly book: string
      readonly id: string
      readonly tokensAtLeast: number
      readonly nanosAtLeast: number
    }
  | { readonly op: 'reap'; readonly book: string }
  | { readonly op: 'charge'; readonly pool: Pool; readonly amount: number; readonly id: string }

type Means = {
  readonly client: RedisClient
  readonly prefix: string
  readonly script: Script
  readonly leaseMs: number
  readonly gate: Breaker
}

const FLUSH_EACH_MS = 5
const RETRY_EACH_MS = 500
const OPS_PER_BATCH_MAX = 512
/** Some ten megabytes; at 1000 calls a second what half a minute ends. */
const KEPT_MAX = 30_000

export class Resolutions {
  readonly #means: Means
  #waiting: Op[] = []
  #timer: NodeJS.Timeout | null = null
  #lost = 0
  #closed = false

  constructor(means: Means) {
    this.#means = means
  }

  /** Ends that Redis was never told of. */
  get lost(): number {
    return this.#lost
  }

  add(op: Op): void {
    if (this.#waiting.length >= KEPT_MAX) {
      this.#lost += 1
      return
    }
    this.#waiting.push(op)
    if (this.#waiting.length >= OPS_PER_BATCH_MAX && !this.#means.gate.isOpen()) this.flush()
    else this.#timer ??= setTimeout(this.#flushLater, FLUSH_EACH_MS)
  }

  /** Sends what has gathered; returns before it is answered. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const ops = this.#waiting
    this.#waiting = []
    for (let at = 0; at < ops.length; at += OPS_PER_BATCH_MAX)
      this.#dispatch(ops.slice(at, at + OPS_PER_BATCH_MAX))
  }

  /** Sends what there is for the last time. */
  close(): void {
    this.#closed = true
    this.flush()
  }

  readonly #flushLater = (): void => {
    this.#timer = null
    if (this.#means.gate.isOpen()) this.#timer = setTimeout(this.#flushLater, RETRY_EACH_MS)
    else this.flush()
  }

  #dispatch(ops: readonly Op[]): void {
    if (!this.#means.client.clustered) {
      void this.#send(ops)
      return
    }
    const bySlot = Map.groupBy(ops, (it) => (it.op === 'charge' ? tagOf(it.pool.bucket) : it.book))
    for (const some of bySlot.values()) void this.#send(some)
  }

  async #send(ops: readonly Op[]): Promise<void> {
    const { client, gate, prefix, script, leaseMs } = this.#means
    const batch = new LedgerBatch(prefix, leaseMs)
    for (const it of ops) write(batch, it)
    try {
      await runScript(client, script, batch.toCall())
    } catch {
      gate.failed('error', performance.now())
      this.#keep(ops)
    }
  }

  /** All but a look for what is over, which comes again by itself. */
  #keep(ops: readonly Op[]): void {
    const again = this.#closed ? [] : ops.filter((it) => it.op !== 'reap')
    const room = Math.max(0, KEPT_MAX - this.#waiting.length)
    this.#waiting = [...again.slice(0, room), ...this.#waiting]
    this.#lost += ops.filter((it) => it.op !== 'reap').length - Math.min(room, again.length)
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(this.#flushLater, RETRY_EACH_MS)
  }
}

function write(batch: LedgerBatch, it: Op): void {
  if (it.op === 'settle') batch.settle(it.book, it.id, it.used)
  else if (it.op === 'give-back') batch.giveBack(it.book, it.id)
  else if (it.op === 'renew') batch.renew(it.book, it.id, it.tokensAtLeast, it.nanosAtLeast)
  else if (it.op === 'reap') batch.reap(it.book)
  else batch.charge(it.pool, it.amount, it.id)
}
