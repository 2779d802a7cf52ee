/**
 * Limits while Redis is away: each gateway judges alone on a share of every limit, so that all of them
 * together stay below the whole. Callers keep being served; when Redis answers again it decides again, and is
 * told what was used meanwhile.
 *
 * Bound: with no more gateways than expected, at most 0.8 x the limit per minute over all of them after
 * the first minute.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Clock, Ledger } from '@headgate/domain/ports'
import type { Ask, Pool, Used, Verdict } from '@headgate/domain/reservation'
import { LocalJudge } from './local-judge.ts'

export type FallbackOptions = {
  /** The ledger all gateways share. */
  readonly shared: Ledger & { charge(pool: Pool, amount: number): void }
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** How many gateways run at most; 1. If more run, the local bound grows by that ratio. */
  readonly expectedInstances?: number
  /** Told once for every change. */
  readonly onChange?: (state: LedgerState) => void
}

export type LedgerState = 'shared' | 'local'

export type LedgerWithFallback = Ledger & { state(): LedgerState }

const SAFETY = 0.8
const LOCAL_AT_LEAST_MS = 1_000
/** Longer ago than a window, what was taken locally no longer counts. */
const FORGET_LOCAL_MS = 60_000

/** A ledger that answers `limiter_unavailable` only where a limit wants it: what `shared` cannot judge is judged here. */
export function ledgerWithFallback(options: FallbackOptions): LedgerWithFallback {
  const { shared, clock } = options
  const local = new LocalJudge(clock, SAFETY / Math.max(1, options.expectedInstances ?? 1))
  let state: LedgerState = 'shared'
  let changedAtMs = Number.NEGATIVE_INFINITY

  /** A Redis that answers every other time would else be a change, and a new start, each time. */
  function become(next: LedgerState): void {
    const nowMs = clock.monotonicMs()
    if (next === state || (next === 'shared' && nowMs - changedAtMs < LOCAL_AT_LEAST_MS)) return
    if (next === 'local' && nowMs - changedAtMs > FORGET_LOCAL_MS) local.startAfresh()
    state = next
    changedAtMs = nowMs
    if (next === 'shared') for (const { pool, amount } of local.takeUse()) shared.charge(pool, amount)
    options.onChange?.(next)
  }

  async function reserve(ask: Ask): Promise<Verdict> {
    try {
      const verdict = await shared.reserve(ask)
      if (ask.claims.length > 0 && state === 'local') become('shared')
      if (ask.nanos !== undefined) local.hear(ask, verdict.states)
      return verdict
    } catch (fault) {
      if (!(fault instanceof GatewayError) || fault.code !== 'limiter_unavailable') throw fault
      become('local')
      return local.reserve(ask)
    }
  }

  function settle(ask: Ask, used: Used): void {
    const corrections = local.settle(ask, used)
    if (corrections === null) shared.settle(ask, used)
    else if (state === 'local') local.correctUse(corrections)
    else
      for (const { pool, amount } of corrections)
        if (amount !== 0 && pool.kind !== 'concurrent') shared.charge(pool, amount)
  }

  return {
    reserve,
    settle,
    progress: (ask, tokens, nanos) => {
      if (!local.progress(ask, tokens, nanos)) shared.progress(ask, tokens, nanos)
    },
    look: (pools, teamIds) => shared.look(pools, teamIds),
    restore: (teamId, additions) => shared.restore(teamId, additions),
    state: () => state,
  }
}
