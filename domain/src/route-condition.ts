/**
 * A route condition says for which calls a rule of a route is meant: those of some teams or apps, on some
 * endpoints, with some tags, at some times. All that it asks for must hold; of the values it lists, one. It is
 * opened with the catalog, so that a call compares and reads nothing.
 */
import { z } from 'zod'
import { AppId } from './app.ts'
import { CallTagName, type CallTags, CallTagValue } from './call-tag.ts'
import { EndpointName } from './endpoint.ts'
import { TimeZone, wallClock } from './period.ts'
import { TeamId } from './team.ts'

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const VALUES_MAX = 200

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const Weekday = z.enum(weekdays)
export type Weekday = z.infer<typeof Weekday>

const ClockTime = z.string().regex(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/, 'expected a time as 07:30')

/**
 * From one time of the clock until before another, on some days of the week. One that ends before it begins goes
 * on past midnight, and belongs to the day on which it began.
 */
export const TimeWindow = z.strictObject({
  timeZone: TimeZone,
  weekdays: z
    .array(Weekday)
    .min(1, 'name at least one day')
    .max(7)
    .refine((days) => new Set(days).size === days.length, { error: 'a day is named twice' })
    .default([...weekdays]),
  from: ClockTime.refine((it) => it !== '24:00', { error: 'begin at 00:00' }),
  to: ClockTime,
})
export type TimeWindow = z.infer<typeof TimeWindow>

const TagCondition = z.strictObject({
  name: CallTagName,
  values: z.array(CallTagValue).min(1).max(VALUES_MAX),
})

const listOf = <T extends z.ZodType>(value: T) =>
  z.array(value).min(1, 'name at least one, or send null').max(VALUES_MAX).nullable().default(null)

/** Null asks for nothing. */
export const RouteCondition = z.strictObject({
  teamIds: listOf(TeamId),
  appIds: listOf(AppId),
  endpoints: listOf(EndpointName),
  /** Each of them must be there, with one of its values. */
  tags: listOf(TagCondition),
  times: listOf(TimeWindow),
})
export type RouteCondition = z.infer<typeof RouteCondition>

/** What a condition is held against. */
export type RouteQuestion = {
  readonly teamId: string
  readonly appId: string
  readonly endpoint: string
  readonly tags: CallTags
  readonly atMs: number
}

export const ConditionPart = z.enum(['team', 'app', 'endpoint', 'tag', 'time'])
export type ConditionPart = z.infer<typeof ConditionPart>

/** The first part of a condition that a call does not meet; null when it meets them all. */
export type OpenCondition = (asked: RouteQuestion) => ConditionPart | null

/** Makes a condition ready to be asked. */
export function openCondition(it: RouteCondition): OpenCondition {
  const teams = it.teamIds && new Set<string>(it.teamIds)
  const apps = it.appIds && new Set<string>(it.appIds)
  const endpoints = it.endpoints && new Set<string>(it.endpoints)
  const tags = it.tags?.map(({ name, values }) => ({ name, values: new Set(values) })) ?? []
  const isTime = it.times && openWindows(it.times)
  return (asked) => {
    if (teams !== null && !teams.has(asked.teamId)) return 'team'
    if (apps !== null && !apps.has(asked.appId)) return 'app'
    if (endpoints !== null && !endpoints.has(asked.endpoint)) return 'endpoint'
    for (const { name, values } of tags) {
      const value = asked.tags.get(name)
      if (value === undefined || !values.has(value)) return 'tag'
    }
    return isTime !== null && !isTime(asked.atMs) ? 'time' : null
  }
}

/** A window in minutes of the day: one that goes past midnight ends beyond the day. */
export function minutesOf({ from, to }: Pick<TimeWindow, 'from' | 'to'>): { from: number; to: number } {
  const [begin, end] = [minuteOf(from), minuteOf(to)]
  return { from: begin, to: end <= begin ? end + DAY_MINUTES : end }
}

/** True for a window that is always open. */
export function isAlways(it: TimeWindow): boolean {
  return it.weekdays.length === 7 && it.from === '00:00' && it.to === '24:00'
}

function minuteOf(clock: string): number {
  return Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))
}

/** Asks the clocks of a zone once a minute, since that costs more than all else here. */
function openWindows(windows: readonly TimeWindow[]): (atMs: number) => boolean {
  const all = windows.map(openWindow)
  let known = { minute: Number.NaN, holds: false }
  return (atMs) => {
    const minute = Math.floor(atMs / MINUTE_MS)
    if (known.minute !== minute) known = { minute, holds: all.some((isOpen) => isOpen(minute * MINUTE_MS)) }
    return known.holds
  }
}

function openWindow(window: TimeWindow): (atMs: number) => boolean {
  const wallMs = wallClock(window.timeZone)
  const { from, to } = minutesOf(window)
  const days = new Set(window.weekdays.map((day) => weekdays.indexOf(day)))
  return (atMs) => {
    const minutes = Math.floor(wallMs(atMs) / MINUTE_MS)
    const minute = minutes % DAY_MINUTES
    // The first of January 1970 was a Thursday.
    const today = (Math.floor(minutes / DAY_MINUTES) + 3) % 7
    if (days.has(today) && minute >= from && minute < to) return true
    return days.has((today + 6) % 7) && minute + DAY_MINUTES < to
  }
}
