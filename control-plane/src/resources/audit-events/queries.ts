/** The SQL of audit events: written by append.ts, read here, never touched again. */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import type { AuditEvent } from '@headgate/domain/audit-event'
import { sql } from 'kysely'
import { listRows } from '../../database/list-rows.ts'
import type { Database } from '../../database/open.ts'

export type EventFilter = {
  readonly subjectId?: string | undefined
  readonly action?: string | undefined
  readonly kind?: string | undefined
  readonly actor?: string | undefined
  readonly requestId?: string | undefined
  readonly result?: AuditEvent['result'] | undefined
  readonly code?: string | undefined
  readonly address?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

export function listAuditEvents(
  db: Database,
  { kind, from, to, ...query }: PageQuery & EventFilter,
): Promise<Page<AuditEvent>> {
  const where = [
    ...(kind === undefined ? [] : [sql<boolean>`split_part(action, '.', 1) = ${kind}`]),
    ...(from === undefined ? [] : [sql<boolean>`at >= ${from}`]),
    ...(to === undefined ? [] : [sql<boolean>`at < ${to}`]),
  ]
  return listRows<AuditEvent>(db, { table: 'auditEvents', where }, query)
}

export function readAuditEvent(db: Database, id: string): Promise<AuditEvent | undefined> {
  return db.selectFrom('auditEvents').selectAll().where('id', '=', id).executeTakeFirst()
}
