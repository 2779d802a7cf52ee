/** A file as a table: its columns with their types and meanings, and the rows page by page. */
import type { Cell } from '../csv-line.ts'

/** What the cells of a column are, where they are there. Instants and money are text in the other formats. */
export type CellType = 'text' | 'integer' | 'number' | 'boolean' | 'instant' | 'money'

export type Column<Row> = {
  readonly name: string
  readonly type: CellType
  /** For the sidecar. */
  readonly means: string
  readonly of: (row: Row) => Cell
}

export type TableFile<Row> = {
  /** Without its ending. */
  readonly name: string
  readonly columns: readonly Column<Row>[]
  readonly pages: AsyncIterable<readonly Row[]>
  /** What the file holds and leaves out, in the words of the wire. */
  readonly about: Readonly<Record<string, unknown>>
}
