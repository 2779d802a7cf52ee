/**
 * What this gateway used while it judged alone, by pool: told to Redis once when it is back, so that nobody
 * gets the same minute twice. What is older than the pool's window has flowed back by then and is left out.
 */
import type { Pool } from '@headgate/domain/reservation'

type Use = { readonly pool: Pool; readonly atMs: number[]; readonly amounts: number[] }

const PARTS_MS = 1_000
const POOLS_MAX = 10_000

export class LocalUse {
  #byBucket = new Map<string, Use>()

  /** @param amount negative to take back */
  add(pool: Pool, amount: number, nowMs: number): void {
    if (amount === 0 || pool.kind === 'concurrent') return
    let use = this.#byBucket.get(pool.bucket)
    if (use === undefined) {
      if (this.#byBucket.size >= POOLS_MAX) return
      use = { pool, atMs: [], amounts: [] }
      this.#byBucket.set(pool.bucket, use)
    }
    const last = use.atMs.length - 1
    if (last >= 0 && nowMs - (use.atMs[last] as number) < PARTS_MS) {
      use.amounts[last] = (use.amounts[last] as number) + amount
      return
    }
    use.atMs.push(nowMs)
    use.amounts.push(amount)
    while (nowMs - (use.atMs[0] as number) > pool.windowMs) {
      use.atMs.shift()
      use.amounts.shift()
    }
  }

  /** All there is, once. */
  take(nowMs: number): { pool: Pool; amount: number }[] {
    const all: { pool: Pool; amount: number }[] = []
    for (const { pool, atMs, amounts } of this.#byBucket.values()) {
      let amount = 0
      for (const [i, at] of atMs.entries()) if (nowMs - at <= pool.windowMs) amount += amounts[i] as number
      // A bucket would make up for more than its limit by refusing for longer than its window.
      if (pool.kind === 'bucket') amount = Math.min(amount, pool.limit)
      if (amount > 0) all.push({ pool, amount })
    }
    this.#byBucket = new Map()
    return all
  }
}
