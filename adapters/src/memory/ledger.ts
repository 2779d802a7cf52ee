/**
 * The ledger in this process alone: for standalone use without Redis, for tests, and as the stand-in while
 * Redis is away. Same rule, same verdicts; nothing is shared and nothing survives a restart.
 */
import {
  type BucketState,
  bucketState,
  type Claim,
  type Correction,
  corrected,
  judge,
  type Verdict,
} from '@headgate/domain/limit'
import type { Clock, Ledger } from '@headgate/domain/ports'

export type MemoryLedgerOptions = {
  /** The TAT of a bucket never seen before; a full bucket unless said otherwise. */
  readonly firstTatMs?: (claim: Claim, nowMs: number) => number
}

const SWEEP_FIRST = 1_024

/** A ledger in memory. Buckets that have become full again are forgotten, so it holds only the busy ones. */
export function memoryLedger(clock: Pick<Clock, 'monotonicMs'>, options: MemoryLedgerOptions = {}): Ledger {
  const tats = new Map<string, number>()
  let sweepAtSize = SWEEP_FIRST

  function sweep(nowMs: number): void {
    if (tats.size < sweepAtSize) return
    for (const [bucket, tatMs] of tats) if (tatMs <= nowMs) tats.delete(bucket)
    sweepAtSize = Math.max(SWEEP_FIRST, 2 * tats.size)
  }

  const tatOf = (claim: Claim, nowMs: number) =>
    tats.get(claim.bucket) ?? options.firstTatMs?.(claim, nowMs) ?? Number.NEGATIVE_INFINITY

  function reserve(claims: readonly Claim[]): Verdict {
    const nowMs = clock.monotonicMs()
    const before: [string, number | undefined][] = []
    let failed = -1
    let waitMs: number | null = 0
    for (const [index, claim] of claims.entries()) {
      const verdict = judge(claim, tatOf(claim, nowMs), nowMs)
      before.push([claim.bucket, tats.get(claim.bucket)])
      if (verdict.pass) {
        tats.set(claim.bucket, verdict.tatMs)
        continue
      }
      if (failed < 0) failed = index
      waitMs = waitMs === null || verdict.waitMs === null ? null : Math.max(waitMs, Math.ceil(verdict.waitMs))
    }
    if (failed >= 0) restore(before)
    const states: BucketState[] = claims.map((claim) => bucketState(claim, tatOf(claim, nowMs), nowMs))
    sweep(nowMs)
    return failed < 0 ? { admitted: true, states } : { admitted: false, failed, waitMs, states }
  }

  function restore(before: [string, number | undefined][]): void {
    for (const [bucket, tatMs] of before.reverse()) {
      if (tatMs === undefined) tats.delete(bucket)
      else tats.set(bucket, tatMs)
    }
  }

  function settle(corrections: readonly Correction[]): void {
    const nowMs = clock.monotonicMs()
    for (const it of corrections) {
      const tatMs = corrected(it, tats.get(it.bucket) ?? Number.NEGATIVE_INFINITY, nowMs)
      if (tatMs > nowMs) tats.set(it.bucket, tatMs)
      else if (options.firstTatMs === undefined) tats.delete(it.bucket)
      else tats.set(it.bucket, nowMs)
    }
  }

  return { reserve: async (claims) => reserve(claims), settle }
}
