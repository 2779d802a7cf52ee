/**
 * Cuts a span into stretches of time as people count them: days, weeks and months of their own time zone, which
 * are 23 or 25 hours long when the clocks change.
 */
import type { UsageQuery } from '@headgate/admin-contract/usage-query'
import { periodBy, wallClock } from '@headgate/domain/period'

export type Bucket = UsageQuery['bucket']

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/**
 * The beginnings of the stretches that a span touches; the first one is the span's own beginning.
 * @returns instants in order, none at or after `toMs`; at most `countMax` + 1, so that more can be told
 */
export function bucketStarts(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { bucket, zone, countMax }: { bucket: Bucket; zone: string; countMax: number },
): number[] {
  const starts = [fromMs]
  if (bucket === 'none') return starts
  const next = bucket === 'minute' || bucket === 'hour' ? steps(bucket, zone) : calendar(bucket, zone)
  while (starts.length <= countMax) {
    const start = next(starts.at(-1) as number)
    if (start >= toMs) break
    starts.push(start)
  }
  return starts
}

/** Minutes and hours are equally long; the hour that the clocks show twice is two of them. */
function steps(bucket: 'minute' | 'hour', zone: string) {
  const lengthMs = bucket === 'minute' ? MINUTE_MS : HOUR_MS
  const wallMs = wallClock(zone)
  return (afterMs: number) => afterMs - (wallMs(afterMs) % lengthMs) + lengthMs
}

/** As budgets and schedules have their days, also where clocks change at midnight. */
function calendar(kind: 'day' | 'week' | 'month', zone: string) {
  const wallMs = wallClock(zone)
  return (afterMs: number) => periodBy({ kind }, wallMs, afterMs)?.toMs ?? Number.POSITIVE_INFINITY
}

/** The same instant so many years before, by the calendar in UTC. */
export function yearBefore(instantMs: number): number {
  const date = new Date(instantMs)
  date.setUTCFullYear(date.getUTCFullYear() - 1)
  return date.getTime()
}
