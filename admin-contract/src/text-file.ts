/** A reply that is a file and no JSON: for spreadsheets and pipelines. It may be of any length, so it comes in pieces. */
import { z } from 'zod'

/** The formats of exports: one for spreadsheets, one for programs, one for pipelines. */
export const ExportFormat = z.enum(['csv', 'json', 'ndjson'])
export type ExportFormat = z.infer<typeof ExportFormat>

/** What each format is called in `Content-Type`. */
export const contentTypeOf = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
} as const satisfies Record<ExportFormat, string>

/** The server's handler gives pieces, the client has the whole. */
export const TextFile = z.object({
  fileName: z.string(),
  contentType: z.string(),
  text: z.string().or(z.custom<AsyncIterable<string>>()),
})
export type TextFile = z.infer<typeof TextFile>
