/**
 * Cuts a span into stretches of time as people count them: days, weeks and months of their own time zone, which
 * are 23 or 25 hours long when the clocks change.
 */
import type { UsageQuery } from '@headgate/admin-contract/usage-query'

export type Bucket = UsageQuery['bucket']

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** A wall clock in one zone. */
type WallClock = {
  /** The time it shows at an instant, as if that were UTC. */
  shows(instantMs: number): number
  /** The instant at which it shows a time. */
  instantOf(shownMs: number): number
}

function wallClock(zone: string): WallClock {
  const format = new Intl.DateTimeFormat('en', {
    ...{ timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  const shows = (instantMs: number) => {
    const parts = new Map(format.formatToParts(instantMs).map((part) => [part.type, Number(part.value)]))
    const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) as number
    return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'))
  }
  const instantOf = (shownMs: number) => {
    const near = shownMs - (shows(shownMs) - shownMs)
    // Again with the offset found, because the first guess may lie beyond a change of the clocks.
    return near - (shows(near) - shownMs)
  }
  return { shows, instantOf }
}

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
  const { shows } = wallClock(zone)
  return (afterMs: number) => afterMs - (shows(afterMs) % lengthMs) + lengthMs
}

function calendar(bucket: 'day' | 'week' | 'month', zone: string) {
  const { shows, instantOf } = wallClock(zone)
  return (afterMs: number) => instantOf(nextOf(bucket, new Date(shows(afterMs))))
}

/** Midnight after a date that a wall clock shows, at the end of its day, week or month. */
function nextOf(bucket: 'day' | 'week' | 'month', shown: Date): number {
  const [year, month, day] = [shown.getUTCFullYear(), shown.getUTCMonth(), shown.getUTCDate()]
  if (bucket === 'month') return Date.UTC(year, month + 1)
  const daysLeft = bucket === 'day' ? 1 : 7 - ((shown.getUTCDay() + 6) % 7)
  return Date.UTC(year, month, day + daysLeft)
}

/** The same instant so many years before, by the calendar in UTC. */
export function yearBefore(instantMs: number): number {
  const date = new Date(instantMs)
  date.setUTCFullYear(date.getUTCFullYear() - 1)
  return date.getTime()
}
