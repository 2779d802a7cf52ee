/**
 * One pool as the model sees it: a list of who took how much and when. What fits and what is left is worked out
 * from that list each time, and besides, without it, the bound that the kind of pool promises.
 */
import { type Pool, UNBOUNDED, UNKNOWN_MS } from '@headgate/domain/reservation'
import { promise } from './operation.ts'

/** `units` is what it holds, later what it was charged. */
type Entry = { readonly id: string; readonly atMs: number; units: number; open: boolean }
type Change = { readonly atMs: number; readonly units: number }

/** A window is counted in thirtieths; that of now and the thirty before it count. */
const PARTS = 30
const CONCURRENT_WAIT_MS = 1_000
const UNKNOWN_WAIT_MS = 5_000

export class PoolModel {
  readonly pool: Pool
  readonly #entries: Entry[] = []
  /** Every take, debt and refund, with the time at which it was booked. */
  readonly #changes: Change[] = []
  /** Of a bucket: when all that was taken from it will have flowed back. */
  #wholeAtMs = 0

  /** Whether what is not there is known not to have been spent. */
  readonly #isKnown: () => boolean

  constructor(pool: Pool, isKnown = () => true) {
    this.pool = pool
    this.#isKnown = isKnown
  }

  /** Milliseconds until this much may be taken; 0: now; null: never. */
  waitMs(units: number, nowMs: number): number | null {
    const { kind, limit, windowMs } = this.pool
    if (kind === 'spend') {
      if (limit === UNBOUNDED || units === 0) return 0
      if (!this.#isKnown()) return UNKNOWN_WAIT_MS
      return this.charged() + units <= limit ? 0 : null
    }
    if (limit === 0 || units > limit) return null
    if (this.#fits(units, nowMs)) return 0
    if (kind === 'concurrent') return CONCURRENT_WAIT_MS
    if (kind === 'bucket') return this.#wholeAtMs - nowMs - (this.#burst(units) - units) * (windowMs / limit)
    const part = windowMs / PARTS
    const leaves = this.#counted(nowMs).map(({ atMs }) => (Math.floor(atMs / part) + PARTS + 1) * part)
    for (const leavesAtMs of leaves.sort((a, b) => a - b))
      if (this.#fits(units, leavesAtMs)) return leavesAtMs - nowMs
    return windowMs
  }

  take(id: string, units: number, nowMs: number): void {
    this.#entries.push({ id, atMs: nowMs, units, open: true })
    this.#book(units, nowMs)
  }

  /** Puts what was used in the place of what was held. */
  charge(id: string, units: number, nowMs: number): void {
    const entry = this.#entries.findLast((it) => it.id === id && it.open)
    if (entry === undefined) throw new Error(`the model holds nothing of ${id} in ${this.pool.bucket}`)
    this.#book(units - entry.units, nowMs)
    entry.units = units
    entry.open = false
  }

  held(): number {
    return sum(this.#entries.filter((it) => it.open))
  }

  /** All that was ever charged. */
  charged(): number {
    return sum(this.#entries)
  }

  remaining(nowMs: number): number {
    const { kind, limit, windowMs } = this.pool
    if (kind === 'spend') return limit - this.charged()
    if (kind !== 'bucket') return Math.max(0, limit - sum(this.#counted(nowMs)))
    if (limit === 0) return 0
    const behind = Math.max(0, this.#wholeAtMs - nowMs) / (windowMs / limit)
    return Math.max(0, Math.floor(this.#burst(0) - behind + 1e-6))
  }

  resetMs(nowMs: number): number {
    const { kind, limit, windowMs } = this.pool
    if (kind === 'spend') return this.#isKnown() ? 0 : UNKNOWN_MS
    if (kind === 'concurrent' || limit === 0) return 0
    if (kind === 'bucket') return Math.max(0, this.#wholeAtMs - nowMs)
    const last = Math.max(
      ...this.#counted(nowMs)
        .filter((it) => it.units > 0)
        .map(({ atMs }) => atMs),
      -1,
    )
    const part = windowMs / PARTS
    return last < 0 ? 0 : (Math.floor(last / part) + PARTS + 1) * part - nowMs
  }

  /** What the pool promises of every stretch of time that ends with an admission now. @throws Finding */
  checkBound(units: number, nowMs: number): void {
    const { kind, limit, windowMs, bucket } = this.pool
    if (kind === 'concurrent') promise(this.held() <= limit, 'more at once than the limit', bucket)
    if (kind === 'spend')
      promise(units === 0 || this.charged() <= limit, 'a budget gave more than it holds', bucket)
    if (kind === 'window') {
      const trailing = sum(this.#entries.filter(({ atMs }) => atMs > nowMs - windowMs))
      promise(trailing <= limit, 'a window holds more than its limit', bucket, trailing, limit)
    }
    if (kind !== 'bucket') return
    const burst = this.#burst(units)
    let taken = 0
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const { atMs, units: changed } = this.#changes[i]!
      taken += changed
      const allowed = burst + (limit * (nowMs - atMs)) / windowMs
      promise(taken <= allowed + 1e-6, 'a bucket gave more than its bound', bucket, taken, allowed)
    }
  }

  #fits(units: number, atMs: number): boolean {
    const { kind, limit, windowMs } = this.pool
    if (kind !== 'bucket') return sum(this.#counted(atMs)) + units <= limit
    const room = this.#burst(units) - units
    return this.#wholeAtMs - atMs <= room * (windowMs / limit)
  }

  /** What may be taken at once: a quarter of the limit, or one call that asks for more. */
  #burst(units: number): number {
    return Math.max(Math.ceil(this.pool.limit / 4), units)
  }

  #counted(atMs: number): readonly Entry[] {
    const { kind, windowMs } = this.pool
    if (kind === 'concurrent') return this.#entries.filter((it) => it.open)
    const part = windowMs / PARTS
    const oldest = (Math.floor(atMs / part) - PARTS) * part
    return this.#entries.filter((it) => it.atMs >= oldest)
  }

  #book(units: number, nowMs: number): void {
    const { kind, limit, windowMs } = this.pool
    if (kind !== 'bucket' || limit === 0 || units === 0) return
    this.#changes.push({ atMs: nowMs, units })
    this.#wholeAtMs = Math.max(nowMs, this.#wholeAtMs) + units * (windowMs / limit)
  }
}

function sum(entries: readonly Entry[]): number {
  let units = 0
  for (const it of entries) units += it.units
  return units
}
