/** Audit events in the admin API. Nobody writes them: they come with the changes they tell of. */
import { AuditEvent } from '@headgate/domain/audit-event'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const auditEvents = {
  list: operation({
    method: 'GET',
    path: '/audit-events',
    role: 'admin',
    summary: 'Lists audit events, newest first; of one subject, action or actor if asked.',
    query: PageQuery.extend({
      subjectId: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id')
        .optional(),
      action: AuditEvent.shape.action.optional(),
      actor: z.string().min(1).max(200).optional(),
    }),
    reply: pageOf(AuditEvent),
  }),
  read: operation({
    method: 'GET',
    path: '/audit-events/{eventId}',
    role: 'admin',
    summary: 'Reads one audit event.',
    reply: AuditEvent,
  }),
}
