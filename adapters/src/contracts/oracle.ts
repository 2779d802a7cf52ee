/**
 * The oracle says what a ledger must answer, as plainly as it can be written over domain/limit.ts: no batches,
 * no store, no clock of its own. Ledgers are compared with it on random sequences.
 */
import {
  bucketState,
  type Claim,
  type Correction,
  corrected,
  judge,
  type Verdict,
} from '@headgate/domain/limit'

/** TAT by bucket; a bucket that is not there is full. */
export type Tats = ReadonlyMap<string, number>

/** What a call must be told, and the buckets after it. */
export function oracleReserve(tats: Tats, claims: readonly Claim[], nowMs: number): [Verdict, Tats] {
  const after = new Map(tats)
  const failures: { index: number; waitMs: number | null }[] = []
  for (const [index, claim] of claims.entries()) {
    const verdict = judge(claim, after.get(claim.bucket) ?? 0, nowMs)
    if (verdict.pass) after.set(claim.bucket, verdict.tatMs)
    else failures.push({ index, waitMs: verdict.waitMs })
  }
  const [first] = failures
  const kept = first === undefined ? after : tats
  const states = claims.map((claim) => bucketState(claim, kept.get(claim.bucket) ?? 0, nowMs))
  if (first === undefined) return [{ admitted: true, states }, after]
  const waits = failures.map((it) => it.waitMs)
  const waitMs = waits.includes(null) ? null : Math.ceil(Math.max(...waits.map(Number)))
  return [{ admitted: false, failed: first.index, waitMs, states }, tats]
}

/** The buckets after corrections. */
export function oracleSettle(tats: Tats, corrections: readonly Correction[], nowMs: number): Tats {
  const after = new Map(tats)
  for (const it of corrections) after.set(it.bucket, corrected(it, after.get(it.bucket) ?? 0, nowMs))
  return after
}
