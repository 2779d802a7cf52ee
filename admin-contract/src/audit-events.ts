/**
 * Audit events in the admin API, the check of their chain, and its anchors outside the database. Nobody writes
 * events: they come with the changes they tell of.
 */
import { AuditAnchor } from '@headgate/domain/audit-anchor'
import { AuditEvent } from '@headgate/domain/audit-event'
import { z } from 'zod'
import { Download, FileFormat } from './download.ts'
import { Instant } from './instant.ts'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

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
  result: AuditEvent.shape.result.optional().meta({
    description: '`done`; `refused` and `failed` find attempts that changed nothing.',
  }),
  code: z.string().max(64).optional().meta({ description: 'The error code it was refused with.' }),
  address: z.string().max(64).optional().meta({ description: 'Where the request came from.' }),
  from: Instant.optional().meta({ description: 'At or after this instant.' }),
  to: Instant.optional().meta({ description: 'Before this instant.' }),
}

export const AuditReport = z.object({
  /** True when nothing was found to be other than it was written. */
  isWhole: z.boolean(),
  events: z.int(),
  firstNumber: z.int().nullable(),
  lastNumber: z.int(),
  segments: z.int(),
  removedSegments: z.int(),
  anchors: z.int(),
  lastAnchoredNumber: z.int().nullable(),
  /** At most 100, by the number of the event at which each shows. */
  faults: z.array(
    z.object({
      number: z.int(),
      kind: z.enum(['changed', 'unlinked', 'missing', 'repeated', 'cut_tail', 'head', 'segment', 'anchor']),
      message: z.string(),
    }),
  ),
  /** Ed25519 as hex, to verify anchors elsewhere. */
  publicKey: z.string(),
  checkedAt: z.iso.datetime({ offset: true }),
})
export type AuditReport = z.infer<typeof AuditReport>

export const auditAnchors = {
  list: operation({
    method: 'GET',
    path: '/audit-anchors',
    right: 'audit.read',
    summary: 'Lists the last 100 anchors of the audit log, oldest first.',
    reply: z.object({ data: z.array(AuditAnchor) }),
  }),
  create: operation({
    method: 'POST',
    path: '/audit-anchors',
    right: 'audit.anchor',
    audit: 'audit-anchor.created',
    changesCatalog: false,
    status: 201,
    summary: 'Writes now, outside the database, how far the audit log is.',
    reply: AuditAnchor,
  }),
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
    audit: 'audit-event.exported',
    reply: Download,
  }),
  verify: operation({
    method: 'GET',
    path: '/audit-events/verification',
    right: 'audit.read',
    summary: 'Verifies the whole audit log: its hashes, its signatures, and its anchors.',
    reply: AuditReport,
  }),
  read: operation({
    method: 'GET',
    path: '/audit-events/{eventId}',
    right: 'audit.read',
    summary: 'Reads one audit event.',
    reply: AuditEvent,
  }),
}
