/**
 * Settlements on their way to Redis: nobody waits for them, so those of a few milliseconds go together. What
 * cannot be told is counted and forgotten; the bucket heals with time, since it refills anyway.
 */
import type { Correction } from '@headgate/domain/limit'
import type { Breaker } from './breaker.ts'
import type { RedisClient } from './client.ts'
import { type SpecTable, slotOf, specTable, writeCorrection } from './ledger-batch.ts'
import { readScript, runScript } from './script.ts'

type Batch = { readonly table: SpecTable; readonly args: string[]; count: number }

type Means = { readonly client: RedisClient; readonly prefix: string; readonly gate: Breaker }

const FLUSH_EACH_MS = 5
const CORRECTIONS_PER_BATCH_MAX = 512

export class Settlements {
  readonly #means: Means
  readonly #script = readScript('settle')
  /** By slot. */
  #gathering = new Map<string, Batch>()
  #timer: NodeJS.Timeout | null = null
  #lost = 0

  constructor(means: Means) {
    this.#means = means
  }

  /** Corrections that never reached Redis. */
  get lost(): number {
    return this.#lost
  }

  add(corrections: readonly Correction[]): void {
    for (const it of corrections) {
      if (it.delta === 0 || it.limit === 0) continue
      const slot = slotOf(this.#means.client, it.bucket)
      const batch = this.#gathering.get(slot) ?? this.#newBatch(slot)
      writeCorrection(batch.args, batch.table, this.#means.prefix, it)
      batch.count += 1
      if (batch.count >= CORRECTIONS_PER_BATCH_MAX) this.flush()
    }
  }

  /** Sends what has gathered; returns before it is answered. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const batches = this.#gathering
    this.#gathering = new Map()
    for (const batch of batches.values()) void this.#send(batch)
  }

  #newBatch(slot: string): Batch {
    const batch = { table: specTable(), args: [], count: 0 }
    this.#gathering.set(slot, batch)
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_EACH_MS)
    return batch
  }

  async #send({ table, args, count }: Batch): Promise<void> {
    const { client, gate } = this.#means
    try {
      if (gate.isOpen()) this.#lost += count
      else await runScript(client, this.#script, { keys: table.keys, args: table.numbers.concat(args) })
    } catch {
      this.#lost += count
      gate.failed('error', performance.now())
    }
  }
}
