/** Exports in the admin API: files of usage made in the background, with progress, to be downloaded when done. */
import { ExportFormat, ExportKind, FileSidecar, UsageExport } from '@headgate/domain/usage-export'
import { z } from 'zod'
import { Download } from './download.ts'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'
import { UsageFilter } from './usage.ts'
import { UsageQuery } from './usage-query.ts'
import { renameKeys } from './wire.ts'

const QUESTION_LENGTH_MAX = 4_000

export type Question =
  | { readonly kind: 'records'; readonly filter: UsageFilter }
  | { readonly kind: 'sums'; readonly query: UsageQuery }

/**
 * Reads a question as it stands in an address.
 * @throws ZodError when it is none
 */
export function readQuestion(kind: ExportKind, question: string): Question {
  const parameters = renameKeys(Object.fromEntries(new URLSearchParams(question)))
  return kind === 'records'
    ? { kind, filter: UsageFilter.parse(parameters) }
    : { kind, query: UsageQuery.parse(parameters) }
}

const NewExport = z
  .strictObject({
    kind: ExportKind,
    format: ExportFormat.default('csv'),
    /** The query of `/usage-records/export` or `/analytics/export`, without `format`. */
    question: z.string().max(QUESTION_LENGTH_MAX),
  })
  .superRefine(({ kind, question }, context) => {
    try {
      readQuestion(kind, question)
    } catch (fault) {
      if (!(fault instanceof z.ZodError)) throw fault
      const [issue] = fault.issues
      const message = `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is no question'}`.trim()
      context.addIssue({ code: 'custom', path: ['question'], message })
    }
  })

export const exports = {
  list: operation({
    method: 'GET',
    path: '/exports',
    right: 'exports.read',
    summary: 'Lists exports and their progress, newest first.',
    query: PageQuery,
    reply: pageOf(UsageExport),
  }),
  create: operation({
    method: 'POST',
    path: '/exports',
    right: 'exports.write',
    audit: 'export.created',
    changesCatalog: false,
    status: 201,
    summary: 'Has a file of usage made in the background.',
    body: NewExport,
    reply: UsageExport,
  }),
  read: operation({
    method: 'GET',
    path: '/exports/{exportId}',
    right: 'exports.read',
    summary: 'Reads one export: its state, and how much of it is written.',
    reply: UsageExport,
    isLive: true,
  }),
  download: operation({
    method: 'GET',
    path: '/exports/{exportId}/file',
    right: 'exports.read',
    summary: 'Sends the file of an export that is done.',
    reply: Download,
    download: true,
    audit: 'export.downloaded',
  }),
  sidecar: operation({
    method: 'GET',
    path: '/exports/{exportId}/sidecar',
    right: 'exports.read',
    summary:
      'Tells what is in the file of an export that is done: the exact question, when it was asked, the columns.',
    reply: FileSidecar,
  }),
  cancel: operation({
    method: 'POST',
    path: '/exports/{exportId}/cancellation',
    right: 'exports.write',
    audit: 'export.cancelled',
    changesCatalog: false,
    status: 200,
    summary: 'Stops an export that is not done; what was written is removed.',
    reply: UsageExport,
  }),
}
