/**
 * What this gateway last heard of what budgets have spent. The ledger tells it with each verdict, and the next call
 * is held by it: slowed down, or served by another model. It is a memory, not the truth; a call that learns better
 * is held anew. It outlives catalogs, and is forgotten with the process.
 */
import { type PoolState, UNKNOWN_MS } from '@headgate/domain/reservation'
import type { OpenBudget } from '@headgate/domain/spend'

const BUDGETS_MAX = 10_000

export class SeenSpend {
  /** Nanos by bucket, which names the budget and its period. */
  readonly #seen = new Map<string, number>()

  /** What was spent and held, in nanos, when it was last heard of; 0 when it never was. */
  of({ claim }: OpenBudget): number {
    return this.#seen.get(claim.bucket) ?? 0
  }

  /** @param ownNanos what the call that heard it holds itself */
  note(budget: OpenBudget, state: PoolState, ownNanos: number): void {
    const { bucket, limit } = budget.claim
    const told = limit - state.remaining - ownNanos
    // Whoever counts anew tells too little.
    const spent = state.resetMs === UNKNOWN_MS ? Math.max(told, this.of(budget)) : told
    if (this.#seen.size >= BUDGETS_MAX && !this.#seen.has(bucket)) {
      // Periods pass and do not come again: the first noted is the first that is of no use.
      const [oldest] = this.#seen.keys()
      if (oldest !== undefined) this.#seen.delete(oldest)
    }
    this.#seen.set(bucket, spent)
  }
}
