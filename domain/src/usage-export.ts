/**
 * An export is a file of usage that is made in the background and kept for some days: for files that take too long
 * to wait for. What is in it is a question as it stands in an address, `by=team&metric=cost`.
 */
import { z } from 'zod'
import { idOf } from './id.ts'

const UsageExportId = idOf('exp')

/** Single records, or the answer to a question about sums. */
export const ExportKind = z.enum(['records', 'sums'])
export type ExportKind = z.infer<typeof ExportKind>

export const ExportFormat = z.enum(['csv', 'json', 'ndjson', 'parquet'])

const ExportState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled'])
export type ExportState = z.infer<typeof ExportState>

const Count = z.int().min(0)

export const UsageExport = z.object({
  id: UsageExportId,
  kind: ExportKind,
  format: ExportFormat,
  question: z.string(),
  state: ExportState,
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
  /** Written by now. */
  rows: Count,
  bytes: Count,
  /** Of the whole file, in hex; null until it is done. */
  sha256: z.string().nullable(),
  /** Why it failed. */
  fault: z.string().nullable(),
  /** When the file is removed. */
  expiresAt: z.iso.datetime().nullable(),
})
export type UsageExport = z.infer<typeof UsageExport>

/** What is in a file: what it was asked and when, in words that depend on its kind, and its columns. */
export const FileSidecar = z.looseObject({
  file: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), means: z.string() })),
})
export type FileSidecar = z.infer<typeof FileSidecar>

/** True while it may still be cancelled. */
export function isUnderWay(state: ExportState): boolean {
  return state === 'queued' || state === 'running'
}
