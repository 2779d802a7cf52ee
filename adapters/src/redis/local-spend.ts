/**
 * Budgets while Redis is away. What was last heard of each is remembered. A soft one lets everything pass and is
 * told later; a hard one lets a hundredth of itself pass per minute while nine tenths are not reached, and nothing
 * from there on, nor where nothing was ever heard: overspending cannot be taken back.
 *
 * Bound: with no more gateways than expected, all of them together end at nine tenths and one minute's part.
 */
import {
  type Ask,
  type Claim,
  type Pool,
  type PoolState,
  UNBOUNDED,
  UNKNOWN_MS,
  type Verdict,
} from '@headgate/domain/reservation'

const CLOSED_FROM_PART = 0.9
const PART_PER_MINUTE = 0.01
const MINUTE_MS = 60_000
const BUDGETS_MAX = 10_000

/** What a budget spent when it was last heard of, and what this gateway has let through since. */
type Heard = { spent: number; here: number }

export class LocalSpend {
  readonly #heard = new Map<string, Heard>()
  /** This gateway's part of what all may spend. */
  readonly #share: number

  constructor(share: number) {
    this.#share = share
  }

  /** Notes what the shared ledger says of the budgets of a call. */
  hear({ claims }: Ask, states: readonly PoolState[]): void {
    for (const [i, claim] of claims.entries()) {
      const state = states[i]
      if (claim.kind !== 'spend' || state === undefined || state.resetMs === UNKNOWN_MS) continue
      // What is asked for again goes to the end, so that the first is what was not asked for longest.
      this.#heard.delete(claim.bucket)
      if (this.#heard.size >= BUDGETS_MAX) {
        const [oldest] = this.#heard.keys()
        if (oldest !== undefined) this.#heard.delete(oldest)
      }
      this.#heard.set(claim.bucket, { spent: claim.limit - state.remaining, here: 0 })
    }
  }

  /** Units that were let through here, or come back. */
  note({ bucket }: Pool, nanos: number): void {
    const heard = this.#heard.get(bucket)
    if (heard !== undefined) heard.here += nanos
  }

  /** True when nothing may pass this budget before Redis is back. */
  isClosed(claim: Claim): boolean {
    if (claim.kind !== 'spend' || claim.limit === UNBOUNDED) return false
    const heard = this.#heard.get(claim.bucket)
    if (heard === undefined) return true
    // The others are taken to spend as this one does.
    return heard.spent + heard.here / this.#share >= CLOSED_FROM_PART * claim.limit
  }

  /** The claim that stands in for that of a budget: a soft one refuses nobody, a hard one lets its part pass. */
  standIn(claim: Claim): Claim {
    if (claim.limit === UNBOUNDED) return claim
    const limit = Math.max(1, Math.floor(claim.limit * PART_PER_MINUTE * this.#share))
    return { ...claim, bucket: `${claim.bucket}:local`, kind: 'window', limit, windowMs: MINUTE_MS }
  }

  /** The verdict, telling of budgets that nobody knows their state. */
  told({ claims }: Ask, verdict: Verdict): Verdict {
    if (claims.every((claim) => claim.kind !== 'spend')) return verdict
    const states = verdict.states.map((state, i): PoolState => {
      const claim = claims[i]
      if (claim?.kind !== 'spend') return state
      const heard = this.#heard.get(claim.bucket)
      return {
        remaining: claim.limit - (heard === undefined ? 0 : heard.spent + heard.here),
        resetMs: UNKNOWN_MS,
      }
    })
    return { ...verdict, states }
  }
}
