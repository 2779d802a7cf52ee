/**
 * An export schedule has a file of usage made again and again: for each day, week or month that has ended, some time
 * after the clocks of its zone passed midnight. A time that was missed, because nothing ran then, is made up for.
 */
import { z } from 'zod'
import { idOf } from './id.ts'
import { DisplayName } from './name.ts'
import { periodAt, TimeZone } from './period.ts'
import { TeamId } from './team.ts'
import { ExportFormat, ExportKind, UsageExport } from './usage-export.ts'

/** Less than the shortest day has, so that one time never comes after the next. */
const DELAY_MINUTES_MAX = 22 * 60
/** More missed times than these are not made up for: the latest are. */
export const MADE_UP_MAX = 31
const MINUTE_MS = 60_000

const Calendar = z.enum(['day', 'week', 'month'])
const Instant = z.iso.datetime({ offset: true })

export const ExportSchedule = z.object({
  id: idOf('sch'),
  name: DisplayName,
  kind: ExportKind,
  format: ExportFormat,
  /** As in an export, without `from` and `to`. */
  question: z.string().max(4_000),
  /** How often: when a day, a week (on Monday) or a month begins. */
  every: Calendar,
  /** Which whole day, week or month before that the file is of. */
  covers: Calendar,
  timeZone: TimeZone,
  /** How long after that midnight it is made: calls of the last minutes need time to be stored. */
  delayMinutes: z.int().min(0).max(DELAY_MINUTES_MAX),
  isEnabled: z.boolean(),
  createdAt: Instant,
  /** As audit events call them. */
  createdBy: z.string(),
  /** For whose calls, as whoever made it could see them; null is the whole organisation. */
  teamIds: z.array(TeamId).nullable(),
  /** Null while it is disabled. */
  nextAt: Instant.nullable(),
  /** The time that was last served, and its export, which may be gone by now. */
  lastAt: Instant.nullable(),
  lastExportId: UsageExport.shape.id.nullable(),
})
export type ExportSchedule = z.infer<typeof ExportSchedule>

export const NewExportSchedule = ExportSchedule.pick({ name: true, kind: true, every: true })
  .extend({
    format: ExportFormat.default('csv'),
    question: ExportSchedule.shape.question.default(''),
    covers: Calendar.optional(),
    timeZone: TimeZone.default('UTC'),
    delayMinutes: ExportSchedule.shape.delayMinutes.default(60),
    isEnabled: z.boolean().default(true),
  })
  .strict()
export type NewExportSchedule = z.infer<typeof NewExportSchedule>

/** What may be changed; what is left out stays. Another kind is another schedule. */
export const ExportScheduleChange = ExportSchedule.pick({
  ...{ name: true, format: true, question: true, every: true, covers: true },
  ...{ timeZone: true, delayMinutes: true, isEnabled: true },
})
  .partial()
  .strict()
export type ExportScheduleChange = z.infer<typeof ExportScheduleChange>

type Times = Pick<ExportSchedule, 'every' | 'timeZone' | 'delayMinutes'>

/** The first time after an instant, in ms since 1970. */
export function nextTimeMs({ every, timeZone, delayMinutes }: Times, afterMs: number): number {
  const timeIn = (atMs: number): { dueMs: number; toMs: number } => {
    const period = periodAt({ kind: every }, timeZone, atMs)
    if (period === null) throw new Error('the calendar has no end')
    return { dueMs: period.fromMs + delayMinutes * MINUTE_MS, toMs: period.toMs }
  }
  const now = timeIn(afterMs)
  return now.dueMs > afterMs ? now.dueMs : timeIn(now.toMs).dueMs
}

/** The times from one on that have come by now, in their order; of very many the latest. */
export function timesDue(times: Times, fromMs: number, nowMs: number): number[] {
  const due: number[] = []
  for (let atMs = fromMs; atMs <= nowMs; atMs = nextTimeMs(times, atMs)) due.push(atMs)
  return due.slice(-MADE_UP_MAX)
}

/** The whole day, week or month that had ended last at a time of a schedule. */
export function coveredAt(
  { covers, timeZone }: Pick<ExportSchedule, 'covers' | 'timeZone'>,
  dueMs: number,
): { from: string; to: string } {
  const running = periodAt({ kind: covers }, timeZone, dueMs)
  const ended = running && periodAt({ kind: covers }, timeZone, running.fromMs - 1)
  if (!ended) throw new Error('the calendar has no beginning')
  return { from: new Date(ended.fromMs).toISOString(), to: new Date(ended.toMs).toISOString() }
}
