/**
 * Limits while Redis is away: each gateway judges alone on a share of every limit, so that all of them
 * together stay below the whole. Callers keep being served; when Redis answers again it decides again.
 *
 * Bound: with no more gateways than expected, at most 0.8 x the limit per minute over all of them after
 * the first minute. What was used locally is not yet pushed into Redis on return.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import { type Claim, type Correction, capacityOf, type Verdict } from '@headgate/domain/limit'
import type { Clock, Ledger } from '@headgate/domain/ports'
import { memoryLedger } from '../memory/ledger.ts'

export type FallbackOptions = {
  /** The ledger all gateways share. */
  readonly shared: Ledger
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** How many gateways run at most; 1. If more run, the local bound grows by that ratio. */
  readonly expectedInstances?: number
  /** Told once for every change. */
  readonly onChange?: (state: LedgerState) => void
}

export type LedgerState = 'shared' | 'local'

export type LedgerWithFallback = Ledger & { state(): LedgerState }

const SAFETY = 0.8
/** What a local bucket starts with, in time's worth of its limit: no burst on top of what Redis just granted. */
const START_WORTH_MS = 1_000
const LOCAL_AT_LEAST_MS = 1_000
/** Longer ago than a window, what was taken locally no longer counts. */
const FORGET_LOCAL_MS = 60_000
/** When a call is too large for a local share, waiting is of use all the same: Redis comes back. */
const TOO_LARGE_WAIT_MS = 5_000

/** A ledger that never answers `limiter_unavailable`: what `shared` cannot judge is judged here. */
export function ledgerWithFallback(options: FallbackOptions): LedgerWithFallback {
  const { shared, clock } = options
  const share = SAFETY / Math.max(1, options.expectedInstances ?? 1)
  let local = freshLedger(clock)
  let state: LedgerState = 'shared'
  let changedAtMs = Number.NEGATIVE_INFINITY

  /** A Redis that answers every other time would else be a change, and a new start, each time. */
  function become(next: LedgerState): void {
    const nowMs = clock.monotonicMs()
    if (next === state || (next === 'shared' && nowMs - changedAtMs < LOCAL_AT_LEAST_MS)) return
    if (next === 'local' && nowMs - changedAtMs > FORGET_LOCAL_MS) local = freshLedger(clock)
    state = next
    changedAtMs = nowMs
    options.onChange?.(next)
  }

  async function reserve(claims: readonly Claim[]): Promise<Verdict> {
    try {
      const verdict = await shared.reserve(claims)
      if (claims.length > 0) become('shared')
      return verdict
    } catch (fault) {
      if (!(fault instanceof GatewayError) || fault.code !== 'limiter_unavailable') throw fault
      become('local')
      return reserveLocally(claims)
    }
  }

  async function reserveLocally(claims: readonly Claim[]): Promise<Verdict> {
    const verdict = await local.reserve(
      claims.map((claim) => ({ ...claim, limit: shareOf(claim.limit, share) })),
    )
    if (verdict.admitted || verdict.waitMs !== null) return verdict
    const hopeless = claims.some((claim) => claim.limit === 0 || claim.amount > claim.limit)
    return hopeless ? verdict : { ...verdict, waitMs: TOO_LARGE_WAIT_MS }
  }

  function settle(corrections: readonly Correction[]): void {
    if (state === 'shared') shared.settle(corrections)
    else local.settle(corrections.map((it) => ({ ...it, limit: shareOf(it.limit, share) })))
  }

  return { reserve, settle, state: () => state }
}

function freshLedger(clock: Pick<Clock, 'monotonicMs'>): Ledger {
  return memoryLedger(clock, { firstTatMs: emptyButForASecond })
}

/** Nobody is denied by rounding: only an explicit zero denies. */
function shareOf(limit: number, share: number): number {
  return limit === 0 ? 0 : Math.max(1, Math.floor(limit * share))
}

/** A bucket that holds one second's worth of its limit, or one unit where that is more. */
function emptyButForASecond(claim: Claim, nowMs: number): number {
  if (claim.limit === 0) return nowMs
  const perUnitMs = claim.windowMs / claim.limit
  return nowMs + capacityOf(claim.limit) * perUnitMs - Math.max(START_WORTH_MS, perUnitMs)
}
