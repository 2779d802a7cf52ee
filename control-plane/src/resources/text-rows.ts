/**
 * Rows as text: CSV (RFC 4180), a JSON array, or JSON line by line, made piece by piece so that a file of any
 * length takes little memory. Names are those of the wire.
 */
import type { FileFormat } from '@headgate/admin-contract/download'
import { renameKey, renameKeys } from '@headgate/admin-contract/wire'
import { type Cell, csvLine } from './csv-line.ts'

type Row = Readonly<Record<string, unknown>>

/** @param columns what a row of CSV has, in order; the other formats have the whole row */
export async function* textOfRows(
  pages: AsyncIterable<readonly Row[]>,
  format: Exclude<FileFormat, 'sidecar'>,
  columns: readonly string[],
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(columns.map(renameKey))
  if (format === 'json') yield '['
  let isFirst = true
  for await (const rows of pages) {
    if (rows.length === 0) continue
    if (format === 'csv')
      yield rows.map((row) => csvLine(columns.map((column) => cellOf(row[column])))).join('')
    else if (format === 'ndjson') yield rows.map((row) => `${jsonOf(row)}\n`).join('')
    else yield (isFirst ? '\n' : ',\n') + rows.map(jsonOf).join(',\n')
    isFirst = false
  }
  if (format === 'json') yield '\n]\n'
}

function jsonOf(row: Row): string {
  return JSON.stringify(renameKeys(row))
}

/** What a cell of CSV shows of a value; things within things as JSON text. */
function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return JSON.stringify(renameKeys(value))
}
