/**
 * The ledger holds every reservation and settles it. This is the rule whole, without a store or a clock: what
 * a ledger in memory is made of, what the one in Redis (`ledger.lua`) must agree with on every answer, and
 * what simulations run. A call takes all its claims or none; a reservation has one end.
 */
import { bucketAfter, bucketState, bucketWaitMs } from './bucket.ts'
import {
  type Ask,
  amountOf,
  type Claim,
  chargedOf,
  type Pool,
  type PoolState,
  tagOf,
  UNBOUNDED,
  UNKNOWN_MS,
  type Used,
  unsent,
  type Verdict,
} from './reservation.ts'
import { slotAt, WINDOW_SLOTS, windowState, windowWaitMs } from './window.ts'

/** How long a call waits for another to end nobody knows; this is when asking again makes sense. */
const CONCURRENT_WAIT_MS = 1_000
/** How long a call waits where it is not known what was spent; by then it will have been counted. */
const UNKNOWN_WAIT_MS = 5_000
/** What was spent is kept so long after its period: calls end late, and people look back. */
const SPEND_KEPT_MS = 7 * 86_400_000
/** How long a reservation lives without a sign of life from whoever holds it, unless said otherwise. */
export const LEASE_MS = 60_000

type Taken = { readonly claim: Claim; readonly pool: Pool; readonly amount: number }
/** With what it takes to undo it exactly. */
type TakenWithBefore = Taken & { readonly tatBeforeMs: number | undefined; readonly takenAtMs: number }
type Entry = {
  readonly taken: readonly Taken[]
  readonly takenAtMs: number
  leaseEndsAtMs: number
  tokensAtLeast: number
  nanosAtLeast: number
}
type Spend = { nanos: number; keptUntilMs: number }

export type LedgerBookOptions = {
  readonly leaseMs?: number
  /** The TAT of a bucket never seen before; a full bucket unless said otherwise. */
  readonly firstTatMs?: (pool: Pool, nowMs: number) => number
  /** True where nothing was ever forgotten, so that what is not there was not spent. */
  readonly spendIsKnown?: boolean
}

const SWEEP_FIRST = 1_024

export class LedgerBook {
  readonly #options: LedgerBookOptions
  readonly #tats = new Map<string, number>()
  readonly #windows = new Map<string, Map<number, number>>()
  readonly #counts = new Map<string, number>()
  readonly #spends = new Map<string, Spend>()
  /** The tags whose budgets are known: what is not there was not spent. */
  readonly #known = new Set<string>()
  readonly #open = new Map<string, Entry>()
  /** Calls that were refused before their reservation came, and until when that is remembered. */
  readonly #refused = new Map<string, number>()
  readonly #leaseMs: number
  #sweepAtSize = SWEEP_FIRST

  constructor(options: LedgerBookOptions = {}) {
    this.#options = options
    this.#leaseMs = options.leaseMs ?? LEASE_MS
  }

  /** Reservations without an end yet. */
  get openCount(): number {
    return this.#open.size
  }

  /**
   * Judges a call and takes all its claims, or none. An id that is held is admitted again and takes nothing; one
   * that was refused is judged anew, so who asks twice and is refused gives it back.
   */
  reserve(ask: Ask, nowMs: number): Verdict {
    if (this.#open.has(ask.id)) return { admitted: true, states: this.#statesOf(ask.claims, nowMs) }
    if (this.#refused.has(ask.id))
      return { admitted: false, failed: 0, waitMs: null, states: this.#statesOf(ask.claims, nowMs) }
    const taken: TakenWithBefore[] = []
    let failed = -1
    let waitMs: number | null = 0
    for (const [index, claim] of ask.claims.entries()) {
      const amount = amountOf(claim, ask)
      const wait = this.#take(claim, amount, taken, nowMs)
      if (wait === 0) continue
      if (failed < 0) failed = index
      waitMs = waitMs === null || wait === null ? null : Math.max(waitMs, Math.ceil(wait))
    }
    if (failed >= 0) {
      for (const it of taken.reverse()) this.#undo(it)
      return { admitted: false, failed, waitMs, states: this.#statesOf(ask.claims, nowMs) }
    }
    const { tokensAtLeast, nanosAtLeast = 0 } = ask
    const kept = taken.map(({ claim, pool, amount }) => ({ claim, pool, amount }))
    if (kept.length > 0) {
      const leaseEndsAtMs = nowMs + this.#leaseMs
      this.#open.set(ask.id, { taken: kept, takenAtMs: nowMs, leaseEndsAtMs, tokensAtLeast, nanosAtLeast })
    }
    this.#sweep(nowMs)
    return { admitted: true, states: this.#statesOf(ask.claims, nowMs) }
  }

  /** Ends a reservation with the truth. Does nothing when it has ended already. */
  settle(id: string, used: Used, nowMs: number): void {
    const entry = this.#open.get(id)
    if (entry === undefined) return
    this.#open.delete(id)
    for (const { claim, pool, amount } of entry.taken) {
      const delta = chargedOf(claim, used) - amount
      if (delta !== 0) this.#add(pool, delta, entry.takenAtMs, nowMs)
    }
  }

  /**
   * Gives back what a call took that was refused without waiting for the verdict. Messages overtake each other:
   * a reservation that comes after this takes nothing.
   */
  giveBack(id: string, nowMs: number): void {
    if (this.#open.has(id)) this.settle(id, unsent, nowMs)
    else this.#refused.set(id, nowMs + this.#leaseMs)
  }

  /**
   * A sign of life: the lease begins anew, and this much is charged if it should be the last one. Older news than
   * what is known changes nothing of that.
   */
  renew(id: string, tokensAtLeast: number, nowMs: number, nanosAtLeast = 0): void {
    const entry = this.#open.get(id)
    if (entry === undefined) return
    entry.leaseEndsAtMs = nowMs + this.#leaseMs
    entry.tokensAtLeast = Math.max(entry.tokensAtLeast, tokensAtLeast)
    entry.nanosAtLeast = Math.max(entry.nanosAtLeast, nanosAtLeast)
  }

  /** Ends reservations whose lease is over, each with what was last known. Expiry is no refund. */
  reap(nowMs: number): void {
    for (const [id, untilMs] of this.#refused) if (untilMs <= nowMs) this.#refused.delete(id)
    for (const [id, entry] of this.#leasesOver(nowMs)) {
      this.#open.delete(id)
      for (const { claim, pool, amount } of entry.taken) {
        const { nanosAtLeast: nanos } = entry
        const used = { nanos, sent: true, tokens: entry.tokensAtLeast, quotaId: claim.quotaId }
        const delta = chargedOf(claim, used) - amount
        if (delta !== 0) this.#add(pool, delta, entry.takenAtMs, nowMs)
      }
    }
  }

  /** Charges units that were used without a reservation here, as while each gateway judged alone. */
  charge(pool: Pool, amount: number, nowMs: number): void {
    if (pool.kind !== 'concurrent') this.#add(pool, amount, nowMs, nowMs)
  }

  /** Says that what budgets of a tag have spent is known from now on. */
  begin(tag: string): void {
    this.#known.add(tag)
  }

  /** Units of a pool that open reservations hold. */
  heldOf(pool: Pool): number {
    let held = 0
    for (const { taken } of this.#open.values())
      for (const it of taken) if (it.pool.bucket === pool.bucket) held += it.amount
    return held
  }

  stateOf(pool: Pool, nowMs: number): PoolState {
    if (pool.kind === 'bucket') return bucketState(pool, this.#tatOf(pool, nowMs), nowMs)
    if (pool.kind === 'window') return windowState(pool, this.#windows.get(pool.bucket) ?? new Map(), nowMs)
    if (pool.kind === 'spend') {
      const spent = this.#spends.get(pool.bucket)?.nanos ?? 0
      return { remaining: pool.limit - spent, resetMs: this.#isKnown(pool) ? 0 : UNKNOWN_MS }
    }
    return { remaining: Math.max(0, pool.limit - (this.#counts.get(pool.bucket) ?? 0)), resetMs: 0 }
  }

  /** In the order in which they ended, as a store that sorts them by it ends them. */
  #leasesOver(nowMs: number): [string, Entry][] {
    return [...this.#open]
      .filter(([, entry]) => entry.leaseEndsAtMs <= nowMs)
      .sort(([idA, a], [idB, b]) => a.leaseEndsAtMs - b.leaseEndsAtMs || (idA < idB ? -1 : 1))
  }

  #statesOf(claims: readonly Claim[], nowMs: number): PoolState[] {
    return claims.map((claim) => this.stateOf(claim, nowMs))
  }

  /** Takes from the claim's pool, or from where it may take instead. 0 when taken; else how long to wait. */
  #take(claim: Claim, amount: number, taken: TakenWithBefore[], nowMs: number): number | null {
    const wait = this.#waitMs(claim, amount, nowMs)
    if (wait === 0) return this.#note(claim, claim, amount, taken, nowMs)
    const { instead } = claim
    if (instead === null) return wait
    if (instead === 'nothing') return claim.limit === 0 ? wait : 0
    const waitThere = this.#waitMs(instead, amount, nowMs)
    if (waitThere === 0) return this.#note(claim, instead, amount, taken, nowMs)
    return wait === null || waitThere === null ? (wait ?? waitThere) : Math.min(wait, waitThere)
  }

  #note(claim: Claim, pool: Pool, amount: number, taken: TakenWithBefore[], nowMs: number): 0 {
    taken.push({ claim, pool, amount, tatBeforeMs: this.#tats.get(pool.bucket), takenAtMs: nowMs })
    this.#add(pool, amount, nowMs, nowMs)
    return 0
  }

  #waitMs(pool: Pool, amount: number, nowMs: number): number | null {
    if (pool.kind === 'bucket') return bucketWaitMs(pool, amount, this.#tatOf(pool, nowMs), nowMs)
    if (pool.kind === 'window')
      return windowWaitMs(pool, amount, this.#windows.get(pool.bucket) ?? new Map(), nowMs)
    if (pool.kind === 'spend') return this.#spendWaitMs(pool, amount)
    if (pool.limit === 0) return null
    return (this.#counts.get(pool.bucket) ?? 0) + amount <= pool.limit ? 0 : CONCURRENT_WAIT_MS
  }

  /** Waiting is no use: a period has to begin anew. What only sums up refuses nobody; what costs nothing passes. */
  #spendWaitMs(pool: Pool, amount: number): number | null {
    if (pool.limit === UNBOUNDED || amount === 0) return 0
    if (!this.#isKnown(pool)) return UNKNOWN_WAIT_MS
    const spent = this.#spends.get(pool.bucket)?.nanos ?? 0
    return spent + amount > pool.limit ? null : 0
  }

  #isKnown(pool: Pool): boolean {
    return this.#options.spendIsKnown === true || this.#known.has(tagOf(pool.bucket))
  }

  #tatOf(pool: Pool, nowMs: number): number {
    return this.#tats.get(pool.bucket) ?? this.#options.firstTatMs?.(pool, nowMs) ?? 0
  }

  /** @param atMs when the units were taken: they count in that slot, and not at all once it has passed */
  #add(pool: Pool, amount: number, atMs: number, nowMs: number): void {
    const { bucket } = pool
    if (pool.kind === 'bucket') {
      this.#tats.set(bucket, bucketAfter(pool, amount, this.#tatOf(pool, nowMs), nowMs))
    } else if (pool.kind === 'window') {
      const slot = slotAt(pool.windowMs, atMs)
      const newest = slotAt(pool.windowMs, nowMs)
      if (slot < newest - WINDOW_SLOTS) return
      const slots = this.#windows.get(bucket) ?? new Map<number, number>()
      slots.set(slot, Math.max(0, (slots.get(slot) ?? 0) + amount))
      for (const old of slots.keys()) if (old < newest - WINDOW_SLOTS) slots.delete(old)
      this.#windows.set(bucket, slots)
    } else if (pool.kind === 'spend') {
      const nanos = Math.max(0, (this.#spends.get(bucket)?.nanos ?? 0) + amount)
      this.#spends.set(bucket, { nanos, keptUntilMs: nowMs + pool.windowMs + SPEND_KEPT_MS })
    } else {
      const count = Math.max(0, (this.#counts.get(bucket) ?? 0) + amount)
      if (count === 0) this.#counts.delete(bucket)
      else this.#counts.set(bucket, count)
    }
  }

  /** Exactly: a bucket's number is put back, not computed back. */
  #undo(it: TakenWithBefore): void {
    if (it.pool.kind !== 'bucket') this.#add(it.pool, -it.amount, it.takenAtMs, it.takenAtMs)
    else if (it.tatBeforeMs === undefined) this.#tats.delete(it.pool.bucket)
    else this.#tats.set(it.pool.bucket, it.tatBeforeMs)
  }

  /** Full buckets and passed slots are forgotten, so only the busy ones are held. */
  #sweep(nowMs: number): void {
    if (this.#tats.size + this.#windows.size + this.#spends.size < this.#sweepAtSize) return
    if (this.#options.firstTatMs === undefined)
      for (const [bucket, tatMs] of this.#tats) if (tatMs <= nowMs) this.#tats.delete(bucket)
    for (const [bucket, slots] of this.#windows) if (slots.size === 0) this.#windows.delete(bucket)
    for (const [bucket, { keptUntilMs }] of this.#spends)
      if (keptUntilMs <= nowMs) this.#spends.delete(bucket)
    this.#sweepAtSize = Math.max(SWEEP_FIRST, 2 * (this.#tats.size + this.#windows.size + this.#spends.size))
  }
}
