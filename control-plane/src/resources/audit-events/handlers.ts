/** What the admin API does with audit events: shows them, page by page or as a file. */
import type { auditEvents } from '@headgate/admin-contract/audit-events'
import { contentTypes } from '@headgate/admin-contract/download'
import type { Handlers } from '@headgate/admin-contract/operation'
import { AuditEvent } from '@headgate/domain/audit-event'
import type { Database } from '../../database/open.ts'
import { found, type HandlerContext } from '../context.ts'
import { textOfRows } from '../text-rows.ts'
import { type EventFilter, listAuditEvents, readAuditEvent } from './queries.ts'
import { verifyAuditLog } from './verify.ts'

const PAGE = 1000
const columns = Object.keys(AuditEvent.shape)

export const auditEventsHandlers: Handlers<typeof auditEvents, HandlerContext> = {
  list: ({ query }, { db }) => listAuditEvents(db, query),
  read: async ({ params }, { db }) => found(await readAuditEvent(db, params.eventId)),
  verify: (_, { db, audit, now }) => verifyAuditLog(db, audit, now),
  export: async ({ query }, { db, now }) => {
    const { format, ...filter } = query
    return {
      fileName: `audit-events-${now.slice(0, 10)}.${format}`,
      contentType: contentTypes[format],
      body: textOfRows(allPages(db, filter), format, columns),
    }
  },
}

async function* allPages(db: Database, filter: EventFilter): AsyncGenerator<readonly AuditEvent[]> {
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { data, page } = await listAuditEvents(db, { ...filter, limit: PAGE, cursor })
    yield data
    cursor = page.nextCursor
  }
}
