/** The SQL of audit events: written by the core of every change, read here, never touched again. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { AuditEvent } from '@headgate/domain/audit-event'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

type EventQuery = PageQuery & {
  subjectId?: string | undefined
  action?: string | undefined
  actor?: string | undefined
}

export async function listAuditEvents(db: Database, query: EventQuery) {
  let rows = db
    .selectFrom('auditEvents')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  for (const column of ['subjectId', 'action', 'actor'] as const) {
    const wanted = query[column]
    if (wanted !== undefined) rows = rows.where(column, '=', wanted)
  }
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readAuditEvent(db: Database, id: string): Promise<AuditEvent | undefined> {
  return db.selectFrom('auditEvents').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertAuditEvent(db: Database, event: AuditEvent): Promise<void> {
  const row = { ...event, before: JSON.stringify(event.before), after: JSON.stringify(event.after) }
  await db.insertInto('auditEvents').values(row).execute()
}
