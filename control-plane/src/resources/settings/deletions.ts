/**
 * What a shorter retention would delete, counted before it is chosen: a figure that is typed wrong should not cost a
 * year of records. Jobs delete by the setting alone, so this is the one place where somebody is asked.
 */
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { OrganisationSettings } from '@headgate/domain/organisation-setting'
import { sql } from 'kysely'
import { loose } from '../../database/loose.ts'
import type { Database } from '../../database/open.ts'
import type { Tables } from '../../database/tables.ts'
import type { HandlerContext } from '../context.ts'

const DAY_MS = 86_400_000
/** Beyond this it is said that there are more: nobody decides otherwise for the exact figure. */
const COUNTED_MAX = 1_000_000

type Kept = {
  readonly table: keyof Tables
  readonly instant: 'startedAt' | 'at'
  readonly called: string
  /** Whether only whole months go. */
  readonly byMonth?: true
}

/** What is deleted by which setting. Files of exports got their end when they were made. */
const kept: { readonly [Name in keyof OrganisationSettings]?: Kept } = {
  keepRecordsDays: { table: 'usageRecords', instant: 'startedAt', called: 'usage records' },
  keepMinutesDays: { table: 'usageMinutes', instant: 'at', called: 'sums of usage by the minute' },
  keepHoursDays: { table: 'usageHours', instant: 'at', called: 'sums of usage by the hour' },
  keepDaysDays: { table: 'usageDays', instant: 'at', called: 'sums of usage by the day' },
  keepAuditDays: { table: 'auditEvents', instant: 'at', called: 'audit events', byMonth: true },
}

/**
 * Refuses a shorter retention while something is there that it would delete.
 * @throws AdminProblem `conflict` that says how many days and rows
 */
export async function refuseDeletion(
  name: string,
  { from, to }: { readonly from: unknown; readonly to: unknown },
  { db, nowMs }: HandlerContext,
): Promise<void> {
  const it = kept[name as keyof typeof kept]
  if (it === undefined || typeof from !== 'number' || typeof to !== 'number' || to >= from) return
  const beforeMs = (Math.floor(nowMs / DAY_MS) - to) * DAY_MS
  const before = it.byMonth ? monthOf(beforeMs) : new Date(beforeMs).toISOString()
  const oldest = await oldestOf(db, it, before)
  if (oldest === null) return
  const rows = await countBefore(db, it, before)
  const many = rows > COUNTED_MAX ? `more than ${COUNTED_MAX}` : String(rows)
  const days = Math.ceil((Date.parse(before) - Date.parse(oldest)) / DAY_MS)
  const span = `${days} ${days === 1 ? 'day' : 'days'}`
  const message = `${it.called} of ${span} would be deleted, from ${dayOf(oldest)} up to ${dayOf(before)}: ${many} in all`
  throw new AdminProblem('conflict', `Nothing was changed: ${message}.`, {
    faults: [
      {
        ...{ pointer: '/value', code: 'would_delete', message },
        fix: 'They do not come back: export them first. Then send allow_deletion: true, or a longer time.',
      },
    ],
  })
}

async function oldestOf(db: Database, { table, instant }: Kept, before: string): Promise<string | null> {
  const rows = loose(db).selectFrom(table).select(instant).where(instant, '<', before)
  const row = await rows.orderBy(instant).limit(1).executeTakeFirst()
  return (row?.[instant] as string | undefined) ?? null
}

async function countBefore(db: Database, { table, instant }: Kept, before: string): Promise<number> {
  const some = loose(db)
    .selectFrom(table)
    .select(sql`1`.as('one'))
    .where(instant, '<', before)
    .limit(COUNTED_MAX + 1)
  const row = await loose(db)
    .selectFrom(some.as('some'))
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** The first instant of the month, in UTC. */
function monthOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 7)}-01T00:00:00.000Z`
}

function dayOf(instant: string): string {
  return new Date(instant).toISOString().slice(0, 10)
}
