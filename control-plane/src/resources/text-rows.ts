/**
 * Rows as text: CSV (RFC 4180), a JSON array, or JSON line by line, made piece by piece so that a file of any
 * length takes little memory. Names are those of the wire.
 */
import type { FileFormat } from '@headgate/admin-contract/download'
import { renameKey, renameKeys } from '@headgate/admin-contract/wire'

type Row = Readonly<Record<string, unknown>>

/** @param columns what a row of CSV has, in order; the other formats have the whole row */
export async function* textOfRows(
  pages: AsyncIterable<readonly Row[]>,
  format: Exclude<FileFormat, 'sidecar'>,
  columns: readonly string[],
): AsyncGenerator<string> {
  if (format === 'csv') yield `${columns.map(renameKey).join(',')}\r\n`
  if (format === 'json') yield '['
  let isFirst = true
  for await (const rows of pages) {
    if (rows.length === 0) continue
    if (format === 'csv') yield rows.map((row) => csvLine(row, columns)).join('')
    else if (format === 'ndjson') yield rows.map((row) => `${jsonOf(row)}\n`).join('')
    else yield (isFirst ? '\n' : ',\n') + rows.map(jsonOf).join(',\n')
    isFirst = false
  }
  if (format === 'json') yield '\n]\n'
}

function jsonOf(row: Row): string {
  return JSON.stringify(renameKeys(row))
}

function csvLine(row: Row, columns: readonly string[]): string {
  return `${columns.map((column) => csvField(row[column])).join(',')}\r\n`
}

/** Spreadsheets run what begins like a formula, so such a text gets an apostrophe in front. */
function csvField(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  const text = typeof value === 'string' ? value : JSON.stringify(renameKeys(value))
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}
