/** Audit events in the admin API. Nobody writes them: they come with the changes they tell of. */
import { AuditEvent } from '@headgate/domain/audit-event'
import { z } from 'zod'
import { Download, FileFormat } from './download.ts'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

const Instant = z.iso.datetime({ offset: true })

const filters = {
  subjectId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected an id')
    .optional()
    .meta({ description: 'Events about the thing with this id.' }),
  action: AuditEvent.shape.action.optional(),
  kind: z
    .string()
    .regex(/^[a-z-]{1,40}$/, 'expected a kind such as key')
    .optional()
    .meta({
      description: 'Events about things of this kind: `key` finds `key.created`, `key.revoked` and so on.',
    }),
  actor: z.string().min(1).max(200).optional().meta({ description: 'Who did it.' }),
  requestId: z.string().max(64).optional(),
  from: Instant.optional().meta({ description: 'At or after this instant.' }),
  to: Instant.optional().meta({ description: 'Before this instant.' }),
}

export const auditEvents = {
  list: operation({
    method: 'GET',
    path: '/audit-events',
    right: 'audit.read',
    summary: 'Lists audit events, newest first; by who, when, what and about which thing if asked.',
    query: PageQuery.extend(filters),
    reply: pageOf(AuditEvent),
  }),
  export: operation({
    method: 'GET',
    path: '/audit-events/export',
    right: 'audit.read',
    summary: 'Gives all audit events that match as one file, the newest first.',
    query: z.strictObject({ format: FileFormat.unwrap().exclude(['sidecar']), ...filters }),
    download: true,
    reply: Download,
  }),
  read: operation({
    method: 'GET',
    path: '/audit-events/{eventId}',
    right: 'audit.read',
    summary: 'Reads one audit event.',
    reply: AuditEvent,
  }),
}
