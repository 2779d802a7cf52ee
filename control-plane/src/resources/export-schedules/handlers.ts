/** What the admin API does with export schedules. A job makes their exports. */
import type { exportSchedules } from '@headgate/admin-contract/export-schedules'
import { readQuestion } from '@headgate/admin-contract/exports'
import type { Handlers } from '@headgate/admin-contract/operation'
import { type ExportSchedule, type NewExportSchedule, nextTimeMs } from '@headgate/domain/export-schedule'
import { z } from 'zod'
import { fieldFault, found, type HandlerContext } from '../context.ts'
import { differences, thingHandlers } from '../things.ts'
import { lockSchedule } from './queries.ts'

/** With what follows from it, and what nobody sends. */
type Whole<T> = Omit<T, 'covers'> &
  Partial<Pick<ExportSchedule, 'covers' | 'createdBy' | 'teamIds' | 'nextAt'>>

const things = thingHandlers<ExportSchedule, Whole<NewExportSchedule>, Partial<ExportSchedule>>({
  table: 'exportSchedules',
  prefix: 'sch',
})

export const exportSchedulesHandlers: Handlers<typeof exportSchedules, HandlerContext> = {
  ...things,
  create: ({ body }, context) => {
    refuseNoQuestion(body)
    const { actor, teamIds } = context
    const covers = body.covers ?? body.every
    const more = { covers, createdBy: actor, teamIds: teamIds && [...teamIds], nextAt: nextOf(body, context) }
    return things.create({ body: { ...body, ...more } }, context)
  },
  change: async ({ params, body }, context) => {
    const before = found(await lockSchedule(context.db, params.scheduleId))
    // What a body may hold is a part of the schedule.
    const fields = differences(before, body as Partial<ExportSchedule>)
    const after = { ...before, ...fields }
    refuseNoQuestion(after)
    const isMoved = (['every', 'timeZone', 'delayMinutes', 'isEnabled'] as const).some(
      (it) => after[it] !== before[it],
    )
    const nextAt = isMoved ? nextOf(after, context) : before.nextAt
    return things.change({ params, body: { ...fields, nextAt } }, context)
  },
}

type Timed = Pick<ExportSchedule, 'every' | 'timeZone' | 'delayMinutes' | 'isEnabled'>

function nextOf(it: Timed, { nowMs }: HandlerContext): string | null {
  return it.isEnabled ? new Date(nextTimeMs(it, nowMs)).toISOString() : null
}

/** @throws AdminProblem for a question that is none, or that says of when it is */
function refuseNoQuestion({ kind, question }: Pick<ExportSchedule, 'kind' | 'question'>): void {
  const parameters = new URLSearchParams(question)
  const fault = ['from', 'to'].some((name) => parameters.has(name))
    ? 'it names `from` or `to`, which the schedule sets'
    : faultOf(kind, question)
  if (fault === null) return
  throw fieldFault('/question', {
    ...{ code: 'no_question', message: fault },
    fix: 'Send the parameters of `/usage-records/export` or `/analytics/export` without `format`, `from` and `to`.',
  })
}

function faultOf(kind: ExportSchedule['kind'], question: string): string | null {
  try {
    readQuestion(kind, question)
    return null
  } catch (fault) {
    if (!(fault instanceof z.ZodError)) throw fault
    const [issue] = fault.issues
    return `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is no question'}`.trim()
  }
}
