/** The SQL of export schedules. */
import type { ExportSchedule } from '@headgate/domain/export-schedule'
import type { Database } from '../../database/open.ts'

/** Until the transaction ends. */
export function lockSchedule(db: Database, id: string): Promise<ExportSchedule | undefined> {
  return db.selectFrom('exportSchedules').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

/** Those whose time has come, the longest due first. */
export async function readDueSchedules(db: Database, now: string): Promise<string[]> {
  const rows = await db
    .selectFrom('exportSchedules')
    .select('id')
    .where('nextAt', '<=', now)
    .orderBy('nextAt')
    .limit(100)
    .execute()
  return rows.map((row) => row.id)
}
