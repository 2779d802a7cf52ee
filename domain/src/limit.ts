/**
 * A limit is what we grant a caller per window. A call makes claims on every limit that applies to it; all
 * are taken or none. The rule is a token bucket in its GCRA form: the whole state is one number, the
 * theoretical arrival time (TAT) in milliseconds. Memory and Redis ledgers both follow this file.
 *
 * Bound: in any interval w, admitted <= capacity + limit * w / window. Capacity is a quarter of the limit, or
 * the claim itself where that is larger, because a legal call could otherwise never pass.
 */
import type { DeniedScope } from './gateway-error.ts'
import type { KeyRecord } from './proxy-key.ts'

const MINUTE_MS = 60_000
/** Sums of many times are off by less than a microsecond; nobody is refused for that. */
const NOISE_MS = 1e-3

export type LimitUnit = 'requests' | 'tokens'

export type Claim = {
  /** Names the bucket in the store; the part in braces keeps one owner's buckets together in a cluster. */
  readonly bucket: string
  readonly scope: DeniedScope
  readonly unit: LimitUnit
  /** Units per window; 0 denies. */
  readonly limit: number
  readonly windowMs: number
  /** Units this call asks for. */
  readonly amount: number
}

/** What is left in a bucket now, and how long until it is full again. */
export type BucketState = { readonly remaining: number; readonly resetMs: number }

export type Verdict =
  | { readonly admitted: true; readonly states: readonly BucketState[] }
  | {
      readonly admitted: false
      /** Which claim failed first, and the longest wait of all that failed; null when waiting is no use. */
      readonly failed: number
      readonly waitMs: number | null
      readonly states: readonly BucketState[]
    }

/** What to change in a bucket once the truth is known: positive charges more, negative gives back. */
export type Correction = Pick<Claim, 'bucket' | 'limit' | 'windowMs'> & { readonly delta: number }

/** Units that may be taken at once from a full bucket. */
export function capacityOf(limit: number): number {
  return Math.ceil(limit / 4)
}

/**
 * Judges one claim against one bucket.
 * @param tatMs the stored TAT, or 0 for a bucket never used
 * @returns the TAT to store if all claims pass, or how long to wait (null: never)
 */
export function judge(
  claim: Pick<Claim, 'limit' | 'windowMs' | 'amount'>,
  tatMs: number,
  nowMs: number,
): { pass: true; tatMs: number } | { pass: false; waitMs: number | null } {
  if (claim.limit === 0 || claim.amount > claim.limit) return { pass: false, waitMs: null }
  const perUnitMs = claim.windowMs / claim.limit
  const burst = Math.max(capacityOf(claim.limit), claim.amount)
  const waitMs = Math.max(0, tatMs - nowMs) - (burst - claim.amount) * perUnitMs
  if (waitMs > NOISE_MS) return { pass: false, waitMs }
  return { pass: true, tatMs: Math.max(tatMs, nowMs) + claim.amount * perUnitMs }
}

/** What a bucket with this TAT still holds. */
export function bucketState(
  claim: Pick<Claim, 'limit' | 'windowMs'>,
  tatMs: number,
  nowMs: number,
): BucketState {
  if (claim.limit === 0) return { remaining: 0, resetMs: 0 }
  const perUnitMs = claim.windowMs / claim.limit
  const behindMs = Math.max(0, tatMs - nowMs - NOISE_MS)
  const remaining = Math.max(0, Math.floor(capacityOf(claim.limit) - behindMs / perUnitMs))
  return { remaining, resetMs: Math.ceil(behindMs) }
}

/** The TAT after a correction; a bucket gives back no more than it holds. */
export function corrected(correction: Correction, tatMs: number, nowMs: number): number {
  if (correction.limit === 0) return tatMs
  return Math.max(nowMs, tatMs) + correction.delta * (correction.windowMs / correction.limit)
}

/**
 * The claims a call makes on its key's limits.
 * @param tokens the estimate for the whole call, input and output together
 */
export function claimsOf(key: KeyRecord, tokens: number): Claim[] {
  const claims: Claim[] = []
  const scope = { kind: 'key', name: key.name } as const
  const bucket = `{${key.teamId}}:${key.id}`
  const windowMs = MINUTE_MS
  if (key.requestsPerMinute !== null) {
    const limit = key.requestsPerMinute
    claims.push({ bucket: `${bucket}:requests`, scope, unit: 'requests', limit, windowMs, amount: 1 })
  }
  if (key.tokensPerMinute !== null) {
    const limit = key.tokensPerMinute
    claims.push({ bucket: `${bucket}:tokens`, scope, unit: 'tokens', limit, windowMs, amount: tokens })
  }
  return claims
}
