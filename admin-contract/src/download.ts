/**
 * A download is a reply that is a file: rows of named columns, sent as they are read, so it may be of any size. The
 * sidecar of a file says what is in it: the exact filter, the columns and what they mean.
 */
import { z } from 'zod'

export const FileFormat = z
  .enum(['csv', 'json', 'ndjson', 'sidecar'])
  .default('csv')
  .meta({ description: '`sidecar` tells what is in the file, instead of the file.' })
export type FileFormat = z.infer<typeof FileFormat>

/** Of files of usage. */
export const TableFormat = z
  .enum(['csv', 'json', 'ndjson', 'parquet', 'sidecar'])
  .default('csv')
  .meta({ description: '`sidecar` tells what is in the file, instead of the file.' })
export type TableFormat = z.infer<typeof TableFormat>

export type Download = {
  readonly fileName: string
  readonly contentType: string
  /** Pieces in order, text or bytes; whoever sends them takes the next when it has room. */
  readonly body: AsyncIterable<string | Uint8Array>
}

export const Download = z.custom<Download>((it) => typeof it === 'object' && it !== null && 'fileName' in it)

/** The types of content a download may be. */
export const contentTypes: Readonly<Record<TableFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
  parquet: 'application/vnd.apache.parquet',
  sidecar: 'application/json; charset=utf-8',
}
