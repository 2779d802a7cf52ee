/**
 * Rows as a file: CSV that spreadsheets cannot be tricked by, JSON, JSON lines or Parquet. It is written as rows come, page
 * by page, and nobody holds it whole.
 */
import { contentTypes, type Download, type TableFormat } from '@headgate/admin-contract/download'
import { csvLine } from '../csv-line.ts'
import type { Column, TableFile } from './file-column.ts'
import { parquet } from './parquet-file.ts'

/**
 * The file in a format; for `sidecar`, what is in it.
 * @param onRows hears of every page as it is written
 */
export function downloadOf<Row>(
  file: TableFile<Row>,
  format: TableFormat,
  onRows: (count: number) => void = () => {},
): Download {
  return {
    fileName: format === 'sidecar' ? `${file.name}.sidecar.json` : `${file.name}.${format}`,
    contentType: contentTypes[format],
    body: writers[format]({ ...file, pages: counted(file.pages, onRows) }),
  }
}

async function* counted<Row>(pages: AsyncIterable<readonly Row[]>, onRows: (count: number) => void) {
  for await (const rows of pages) {
    onRows(rows.length)
    yield rows
  }
}

type Writer = <Row>(file: TableFile<Row>) => Download['body']

const writers: Readonly<Record<TableFormat, Writer>> = { csv, json, ndjson, parquet, sidecar }

async function* csv<Row>({ columns, pages }: TableFile<Row>): AsyncGenerator<string> {
  yield csvLine(columns.map((column) => column.name))
  for await (const rows of pages)
    yield rows.map((row) => csvLine(columns.map((column) => column.of(row)))).join('')
}

async function* json<Row>({ columns, pages }: TableFile<Row>): AsyncGenerator<string> {
  let before = '['
  for await (const rows of pages) {
    if (rows.length === 0) continue
    yield before + rows.map((row) => objectOf(row, columns)).join(',\n')
    before = ',\n'
  }
  yield before === '[' ? '[]\n' : ']\n'
}

async function* ndjson<Row>({ columns, pages }: TableFile<Row>): AsyncGenerator<string> {
  for await (const rows of pages) yield rows.map((row) => `${objectOf(row, columns)}\n`).join('')
}

async function* sidecar<Row>({ name, columns, about }: TableFile<Row>): AsyncGenerator<string> {
  const said = {
    file: name,
    ...about,
    columns: columns.map(({ name: column, type, means }) => ({ name: column, type, means })),
  }
  yield `${JSON.stringify(said, null, 2)}\n`
}

function objectOf<Row>(row: Row, columns: readonly Column<Row>[]): string {
  return JSON.stringify(Object.fromEntries(columns.map((column) => [column.name, column.of(row)])))
}
