/**
 * Rows as Apache Parquet: columns with types, compressed, in row groups of some thousand rows, so that nobody holds
 * the file whole. Money is DECIMAL(38, 9), which is exact to the nano; instants are microseconds in UTC; counts are
 * 64-bit integers.
 */
import { ByteWriter, type ColumnSource, ParquetWriter, type SchemaElement } from 'hyparquet-writer'
import type { Cell } from '../csv-line.ts'
import type { CellType, Column, TableFile } from './file-column.ts'

/** A row group is in memory as values and as bytes: some megabytes. */
const ROW_GROUP_ROWS = 10_000
const MONEY_DIGITS = 38
const MONEY_SCALE = 9
const MONEY_BYTES = 16

type Stored = Pick<
  SchemaElement,
  'type' | 'converted_type' | 'type_length' | 'precision' | 'scale' | 'logical_type'
>

const stored: Readonly<Record<CellType, Stored>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  instant: {
    ...{ type: 'INT64', converted_type: 'TIMESTAMP_MICROS' },
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  },
  money: {
    ...{ type: 'FIXED_LEN_BYTE_ARRAY', converted_type: 'DECIMAL', type_length: MONEY_BYTES },
    ...{ precision: MONEY_DIGITS, scale: MONEY_SCALE },
  },
}

/** The bytes of the file, a row group at a time. @throws TypeError when a cell is not of the type of its column */
export async function* parquet<Row>({ columns, pages }: TableFile<Row>): AsyncGenerator<Uint8Array> {
  const bytes = new ByteWriter()
  const writer = new ParquetWriter({ writer: bytes, schema: schemaOf(columns), createdBy: 'headgate' })
  let waiting: Row[] = []
  for await (const rows of pages) {
    waiting = waiting.concat(rows)
    if (waiting.length < ROW_GROUP_ROWS) continue
    await writer.write({ columnData: valuesOf(waiting, columns), rowGroupSize: waiting.length })
    waiting = []
    yield taken(bytes)
  }
  if (waiting.length > 0)
    await writer.write({ columnData: valuesOf(waiting, columns), rowGroupSize: waiting.length })
  await writer.finish()
  const last = taken(bytes)
  yield writer.row_groups.length === 0 ? asEmpty(last) : last
}

/** No rows (field 3), a list of no row groups (field 4) whose elements are said to be nothing, and who wrote it (field 6). */
const NO_GROUPS = Buffer.from([0x16, 0x00, 0x19, 0x00, 0x28])
const STRUCTS = 0x0c

/**
 * A file without rows, mended: the writer guesses what a list holds by its first element, and strict readers refuse
 * its guess for a list without any. Apache Thrift, compact protocol, list header; parquet.thrift, FileMetaData.
 * @throws Error when the writer writes otherwise, as a later version may
 */
function asEmpty(file: Uint8Array): Uint8Array {
  const bytes = Buffer.from(file)
  const at = bytes.lastIndexOf(NO_GROUPS)
  if (at < 0) throw new Error('the footer of an empty Parquet file is not as it is known')
  bytes[at + 3] = STRUCTS
  return bytes
}

/** What was written since it was last taken. The writer remembers places in the whole file, and needs no bytes. */
function taken(bytes: ByteWriter): Uint8Array {
  const piece = bytes.getBytes().slice()
  bytes.index = 0
  return piece
}

/** Every column may be empty, also where none is now: files of two days have one schema. */
function schemaOf<Row>(columns: readonly Column<Row>[]): SchemaElement[] {
  const leaves = columns.map(
    ({ name, type }): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...stored[type] }),
  )
  return [{ name: 'root', num_children: leaves.length }, ...leaves]
}

function valuesOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): ColumnSource[] {
  return columns.map(({ name, type, of }) => ({ name, data: rows.map((row) => storedOf(type, of(row))) }))
}

function storedOf(type: CellType, cell: Cell): string | number | bigint | boolean | null {
  if (cell === null) return null
  if (type === 'boolean' && typeof cell === 'boolean') return cell
  if (type === 'number' && typeof cell === 'number') return cell
  if (type === 'integer' && typeof cell === 'number') return BigInt(cell)
  if (typeof cell === 'string') {
    if (type === 'text') return cell
    if (type === 'instant') return microsOf(cell)
    if (type === 'money') return nanosOf(cell)
  }
  throw new TypeError(`a cell of the type ${type} is a ${typeof cell}`)
}

/** Since 1970, of an instant as ISO text with up to six digits of a second. */
function microsOf(instant: string): bigint {
  const fraction = /\.(\d+)/.exec(instant)?.[1] ?? ''
  const whole = BigInt(Date.parse(instant.replace(/\.\d+/, '')))
  return whole * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}

/** Of money as decimal text. */
function nanosOf(amount: string): bigint {
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,9}))?$/.exec(amount) ?? []
  if (whole === '') throw new TypeError('money is no decimal to the nano')
  return BigInt(`${sign}${whole}${fraction.padEnd(MONEY_SCALE, '0')}`)
}
