/**
 * The leases this gateway holds: every reservation under way here is given a sign of life in time, with what it
 * has used by then. It also looks over the books it writes in, and ends what other gateways left when they died.
 */
import type { Ask } from '@headgate/domain/reservation'
import { bookOf } from './ledger-batch.ts'
import type { Resolutions } from './resolutions.ts'

/** Parts of a lease: looked over each twelfth, renewed after a third, books looked over each quarter. */
const TICKS = 12
const RENEWALS = 3
const REAPS = 4
/** A book nobody wrote in for this long has no open reservation of ours. */
const FORGET_BOOK_MS = 600_000

type Held = { tokens: number; nanos: number; renewedAtMs: number }

export class Leases {
  readonly #resolutions: Resolutions
  readonly #held = new Map<Ask, Held>()
  readonly #usedAtMs = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  readonly #leaseMs: number
  #reapedAtMs = performance.now()

  constructor(resolutions: Resolutions, leaseMs: number) {
    this.#resolutions = resolutions
    this.#leaseMs = leaseMs
    this.#timer = setInterval(this.#tick, leaseMs / TICKS)
    this.#timer.unref()
  }

  /** Says that a book is about to be written in; one not seen before is looked over at once. */
  open(book: string): void {
    if (!this.#usedAtMs.has(book)) this.#resolutions.add({ op: 'reap', book })
    this.#usedAtMs.set(book, performance.now())
  }

  hold(ask: Ask): void {
    if (ask.claims.length === 0) return
    const { tokensAtLeast: tokens, nanosAtLeast: nanos = 0 } = ask
    this.#held.set(ask, { tokens, nanos, renewedAtMs: performance.now() })
  }

  progress(ask: Ask, tokens: number, nanos = 0): void {
    const held = this.#held.get(ask)
    if (held === undefined) return
    held.tokens = Math.max(held.tokens, tokens)
    held.nanos = Math.max(held.nanos, nanos)
  }

  /** True when it was held. */
  release(ask: Ask): boolean {
    return this.#held.delete(ask)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  readonly #tick = (): void => {
    const nowMs = performance.now()
    for (const [ask, held] of this.#held) {
      if (nowMs - held.renewedAtMs < this.#leaseMs / RENEWALS) continue
      held.renewedAtMs = nowMs
      const book = bookOf(ask.claims)
      this.#usedAtMs.set(book, nowMs)
      const { tokens: tokensAtLeast, nanos: nanosAtLeast } = held
      this.#resolutions.add({ op: 'renew', book, id: ask.id, tokensAtLeast, nanosAtLeast })
    }
    if (nowMs - this.#reapedAtMs < this.#leaseMs / REAPS) return
    this.#reapedAtMs = nowMs
    for (const [book, usedAtMs] of this.#usedAtMs) {
      if (nowMs - usedAtMs > FORGET_BOOK_MS) this.#usedAtMs.delete(book)
      else this.#resolutions.add({ op: 'reap', book })
    }
  }
}
