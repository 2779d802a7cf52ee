/**
 * A simulated ledger is a book of its own, filled with what the true ledger holds now, or with nothing. It judges by the
 * very rule of the ledger, and whatever it takes is gone with it.
 */
import { LedgerBook } from './ledger.ts'
import {
  type Ask,
  type Claim,
  type Pool,
  type PoolState,
  tagOf,
  UNKNOWN_MS,
  type Verdict,
} from './reservation.ts'

type Look = (pools: readonly Pool[]) => Promise<readonly PoolState[]>

export class SimulatedLedger {
  readonly #book: LedgerBook
  readonly #look: Look | null
  readonly #nowMs: number
  readonly #known = new Set<string>()

  /**
   * @param look asks what pools hold now; null: nothing is held and nothing was spent
   * @param nowMs the instant at which all is judged
   */
  constructor(look: Look | null, nowMs: number) {
    this.#look = look
    this.#nowMs = nowMs
    this.#book = new LedgerBook({ spendIsKnown: look === null })
  }

  /** Asks for what is not known of these claims yet. @throws GatewayError `limiter_unavailable` */
  async learn(claims: readonly Claim[]): Promise<void> {
    if (this.#look === null) return
    const pools = claims
      .flatMap((it): Pool[] => (it.instead === null || it.instead === 'nothing' ? [it] : [it, it.instead]))
      .filter((it) => !this.#known.has(it.bucket))
    if (pools.length === 0) return
    const states = await this.#look(pools)
    pools.forEach((pool, i) => {
      if (this.#known.has(pool.bucket)) return
      this.#known.add(pool.bucket)
      const state = states[i]
      if (state !== undefined) this.#fill(pool, state)
    })
  }

  #fill(pool: Pool, { remaining, resetMs }: PoolState): void {
    if (pool.kind === 'spend') {
      if (resetMs === UNKNOWN_MS) return
      this.#book.begin(tagOf(pool.bucket))
    }
    // A bucket in debt says that nothing remains; how deep it is can be read from the time it needs.
    const used = pool.kind === 'bucket' ? (resetMs * pool.limit) / pool.windowMs : pool.limit - remaining
    if (used === 0) return
    if (pool.kind === 'concurrent') this.#hold(pool, used)
    else this.#book.charge(pool, used, this.#nowMs)
  }

  /** Calls under way: held, since nothing that has ended stays charged there. */
  #hold(pool: Pool, calls: number): void {
    const told = { scope: { kind: 'team', name: '' }, unit: 'tokens', quotaId: null, instead: null } as const
    const claims: Claim[] = [{ ...pool, ...told }]
    this.#book.reserve({ id: pool.bucket, claims, tokens: calls, tokensAtLeast: 0 }, this.#nowMs)
  }

  stateOf(claim: Claim): PoolState {
    return this.#book.stateOf(claim, this.#nowMs)
  }

  reserve(ask: Ask): Verdict {
    return this.#book.reserve(ask, this.#nowMs)
  }
}
