/**
 * Has the exports of schedules made when their time has come. The exports of all missed times and the next time are
 * written in one transaction under the lock of the schedule, so each time has one export whoever runs and dies when.
 */
import type { Change } from '@headgate/admin-contract/operation'
import { coveredAt, type ExportSchedule, nextTimeMs, timesDue } from '@headgate/domain/export-schedule'
import { commitChange, type Home } from '../change.ts'
import type { HandlerContext } from '../resources/context.ts'
import { lockSchedule, readDueSchedules } from '../resources/export-schedules/queries.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 5_000

/** The job. Any number of processes may run it at once. */
export function startScheduledExports(home: Home): Job {
  return {
    name: 'start-scheduled-exports',
    everyMs: EVERY_MS,
    run: async (signal) => {
      const nowMs = home.clock.nowMs()
      for (const id of await readDueSchedules(home.db, new Date(nowMs).toISOString())) {
        if (signal.aborted) return
        const intent = {
          actor: 'system',
          action: 'export-schedule.run',
          requestId: home.newId('req', nowMs),
          changesCatalog: false,
        }
        await commitChange(home, intent, (context) => startDue(id, context))
      }
    },
  }
}

/** Makes the exports of a schedule that are due; nothing when another process has, or it is gone. */
async function startDue(id: string, { db, nowMs, newId, now }: HandlerContext): Promise<Change<unknown>> {
  const before = await lockSchedule(db, id)
  if (before === undefined || before.nextAt === null || Date.parse(before.nextAt) > nowMs)
    return { changed: false, reply: null }
  const due = timesDue(before, Date.parse(before.nextAt), nowMs)
  const exports = due.map((dueMs) => ({
    ...{ id: newId('exp'), createdAt: now, scheduleId: id, dueAt: new Date(dueMs).toISOString() },
    ...{
      kind: before.kind,
      format: before.format,
      question: questionAt(before, dueMs),
      teamIds: before.teamIds,
    },
  }))
  await db.insertInto('usageExports').values(exports).execute()
  const last = exports.at(-1)
  const after = await db
    .updateTable('exportSchedules')
    .set({
      nextAt: new Date(nextTimeMs(before, nowMs)).toISOString(),
      ...(last !== undefined && { lastAt: last.dueAt, lastExportId: last.id }),
    })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { changed: true, reply: after, subjectId: id, before, after }
}

function questionAt(schedule: ExportSchedule, dueMs: number): string {
  const { from, to } = coveredAt(schedule, dueMs)
  return [schedule.question, `from=${from}`, `to=${to}`].filter((part) => part !== '').join('&')
}
