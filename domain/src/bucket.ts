/**
 * A bucket fills steadily and calls take from it: a token bucket in its GCRA form, whose whole state is one
 * number, the theoretical arrival time (TAT) in milliseconds. Memory and Redis ledgers both follow this file.
 *
 * Bound: in any interval w, admitted less given back <= capacity + limit * w / window; so estimates that come back
 * late may be used on top of what flowed in meanwhile. Capacity is a quarter of the limit, or the amount asked for
 * where that is larger, because a legal call could otherwise never pass.
 */
import type { Pool, PoolState } from './reservation.ts'

/** Sums of many times are off by less than a microsecond; nobody is refused for that. */
const NOISE_MS = 1e-3

type Rate = Pick<Pool, 'limit' | 'windowMs'>

/** Units that may be taken at once from a full bucket. */
export function capacityOf(limit: number): number {
  return Math.ceil(limit / 4)
}

/**
 * How long a call must wait for this many units.
 * @param tatMs the stored TAT; anything in the past is a full bucket
 * @returns 0 when it may pass now, null when waiting is no use
 */
export function bucketWaitMs(rate: Rate, amount: number, tatMs: number, nowMs: number): number | null {
  if (rate.limit === 0 || amount > rate.limit) return null
  const burst = Math.max(capacityOf(rate.limit), amount)
  const waitMs = Math.max(0, tatMs - nowMs) - (burst - amount) * (rate.windowMs / rate.limit)
  return waitMs > NOISE_MS ? waitMs : 0
}

/** The TAT after units were charged (positive) or given back; a bucket gives back no more than it holds. */
export function bucketAfter(rate: Rate, amount: number, tatMs: number, nowMs: number): number {
  if (rate.limit === 0) return tatMs
  return Math.max(nowMs, tatMs) + amount * (rate.windowMs / rate.limit)
}

/** What a bucket with this TAT still holds. */
export function bucketState(rate: Rate, tatMs: number, nowMs: number): PoolState {
  if (rate.limit === 0) return { remaining: 0, resetMs: 0 }
  const behindMs = Math.max(0, tatMs - nowMs - NOISE_MS)
  const remaining = Math.max(0, Math.floor(capacityOf(rate.limit) - behindMs / (rate.windowMs / rate.limit)))
  return { remaining, resetMs: Math.ceil(behindMs) }
}
