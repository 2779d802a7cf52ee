/**
 * A period is the stretch of time a budget is for: a day, a week or a month of the calendar, so many days from a
 * date on, or one stretch from one day to another. It begins and ends at midnight of a time zone, so a day may
 * have 23 or 25 hours. A call belongs to the period it arrived in, whenever it ends.
 */
import { z } from 'zod'

const DAY_MS = 86_400_000
/** `YYYY-MM-DD` of a day that the calendar has. */
const CalendarDay = z.iso.date('expected a day as 2026-11-30')

/** When a budget begins anew. */
export const PeriodRule = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.enum(['day', 'week', 'month']) }),
    z.strictObject({ kind: z.literal('days'), days: z.int().min(1).max(366), from: CalendarDay }),
    /** Both days belong to it; it does not come again. */
    z.strictObject({ kind: z.literal('span'), from: CalendarDay, to: CalendarDay }),
  ])
  .refine((it) => it.kind !== 'span' || it.from <= it.to, { path: ['to'], error: 'ends before it begins' })
export type PeriodRule = z.infer<typeof PeriodRule>

/** A time zone of the IANA data base, such as `Europe/Berlin`. */
export const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, { error: 'expected a zone such as Europe/Berlin' })

export type Period = {
  /** The day it begins on; names it among the periods of one budget. */
  readonly name: string
  readonly fromMs: number
  /** The first instant after it. */
  readonly toMs: number
}

/** The period an instant falls into; null before the first and after the last one. */
export function periodAt(rule: PeriodRule, timeZone: string, atMs: number): Period | null {
  return periodBy(rule, wallClock(timeZone), atMs)
}

/** The same by a clock that is at hand, for whoever asks many times. */
export function periodBy(rule: PeriodRule, wallMs: WallClock, atMs: number): Period | null {
  const today = dayOf(wallMs(atMs))
  const days = daysAround(rule, today)
  if (days === null) return null
  const fromMs = midnight(days.from, wallMs)
  return { name: textOf(days.from), fromMs, toMs: midnight(days.to, wallMs) }
}

/**
 * When so many periods have ended, of which the first is that of an instant; null where there are not so many, or none
 * then.
 */
export function endOfPeriods(
  { period, timeZone }: { readonly period: PeriodRule; readonly timeZone: string },
  atMs: number,
  count: number,
): number | null {
  let endMs = atMs
  for (let i = 0; i < count; i++) {
    const it = periodAt(period, timeZone, endMs)
    if (it === null) return null
    endMs = it.toMs
  }
  return endMs
}

/** What will have been spent when the period ends, if it goes on as it has; null in its first hundredth. */
export function forecastNanos(spentNanos: number, { fromMs, toMs }: Period, nowMs: number): number | null {
  const passed = Math.min(1, (nowMs - fromMs) / (toMs - fromMs))
  return passed < 0.01 ? null : Math.min(Number.MAX_SAFE_INTEGER, Math.round(spentNanos / passed))
}

/** So much of a period must have passed before anybody is told what it leads to. */
const FORETOLD_FROM = 0.1

/**
 * What will have been spent when the period ends, where that is more than the amount and people are to be told:
 * from a tenth of the period on, and not once the amount is spent, which is told otherwise. Else null.
 */
export function overrunNanos(
  { spentNanos, amountNanos }: { readonly spentNanos: number; readonly amountNanos: number },
  period: Period,
  nowMs: number,
): number | null {
  const isEarly = nowMs - period.fromMs < FORETOLD_FROM * (period.toMs - period.fromMs)
  if (isEarly || nowMs >= period.toMs || spentNanos >= amountNanos) return null
  const forecast = forecastNanos(spentNanos, period, nowMs)
  return forecast !== null && forecast > amountNanos ? forecast : null
}

/** Days since 1970, of the first day and of the first day after the last. */
type Days = { readonly from: number; readonly to: number }

function daysAround(rule: PeriodRule, today: number): Days | null {
  if (rule.kind !== 'days' && rule.kind !== 'span') return calendarDays(rule.kind, today)
  const begins = dayOf(Date.parse(rule.from))
  const days = rule.kind === 'days' ? rule.days : dayOf(Date.parse(rule.to)) + 1 - begins
  const index = Math.floor((today - begins) / days)
  if (index < 0 || (rule.kind === 'span' && index > 0)) return null
  return { from: begins + index * days, to: begins + (index + 1) * days }
}

function calendarDays(kind: 'day' | 'week' | 'month', today: number): Days {
  if (kind === 'day') return { from: today, to: today + 1 }
  if (kind === 'week') {
    // The first of January 1970 was a Thursday.
    const monday = today - ((today + 3) % 7)
    return { from: monday, to: monday + 7 }
  }
  const date = new Date(today * DAY_MS)
  const first = (months: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1) / DAY_MS
  return { from: first(0), to: first(1) }
}

function dayOf(wallMs: number): number {
  return Math.floor(wallMs / DAY_MS)
}

function textOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

type WallClock = (atMs: number) => number

/** What the clocks of a zone show, as if it were UTC. */
export function wallClock(timeZone: string): WallClock {
  if (timeZone === 'UTC') return (atMs) => atMs
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  })
  return (atMs) => {
    const parts = new Map(format.formatToParts(atMs).map((part) => [part.type, Number(part.value)]))
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0
    const date = Date.UTC(part('year'), part('month') - 1, part('day'))
    const seconds = (part('hour') * 60 + part('minute')) * 60 + part('second')
    return date + seconds * 1000 + (((atMs % 1000) + 1000) % 1000)
  }
}

/**
 * The first instant of a day. Where clocks are put forward at midnight the day begins at one o'clock; where they
 * are put back over midnight, it begins when midnight comes first.
 */
function midnight(day: number, wallMs: WallClock): number {
  const wall = day * DAY_MS
  const offsetMs = (atMs: number) => wallMs(atMs) - atMs
  const [before, after] = [wall - offsetMs(wall - DAY_MS), wall - offsetMs(wall + DAY_MS)]
  const candidates = before < after ? [before, after] : [after, before]
  return candidates.find((atMs) => wallMs(atMs) === wall) ?? before
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}
