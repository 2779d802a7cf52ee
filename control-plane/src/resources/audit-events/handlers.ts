/** What the admin API does with audit events: shows them. */
import type { auditEvents } from '@headgate/admin-contract/audit-events'
import type { Handlers } from '@headgate/admin-contract/operation'
import { found, type HandlerContext } from '../context.ts'
import { listAuditEvents, readAuditEvent } from './queries.ts'

export const auditEventsHandlers: Handlers<typeof auditEvents, HandlerContext> = {
  list: ({ query }, { db }) => listAuditEvents(db, query),
  read: async ({ params }, { db }) => found(await readAuditEvent(db, params.eventId)),
}
