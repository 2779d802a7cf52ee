/** Rows as columns of text, for people at a terminal. Nothing that came from outside can move their cursor. */

type Cell = unknown
export type Row = Readonly<Record<string, Cell>>

const CELL_MAX = 60

/** A row without objects in it: `sums.calls` is a column of its own, and so is each dimension of a group of usage. */
export function flatRow(row: Row): Row {
  return Object.fromEntries(Object.entries(row).flatMap(([name, value]) => flatCells(name, value)))
}

function flatCells(name: string, value: Cell): [string, Cell][] {
  if (Array.isArray(value) && value.length > 0 && value.every(isDimension))
    return value.map((it) => [it.dimension, it.name ?? it.value])
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[name, value]]
  return Object.entries(value).flatMap(([inner, part]) => flatCells(`${name}.${inner}`, part))
}

function isDimension(it: unknown): it is { dimension: string; value: string | null; name: string | null } {
  return typeof it === 'object' && it !== null && Object.hasOwn(it, 'dimension') && Object.hasOwn(it, 'value')
}

/** How a value stands in a cell. Control characters become spaces. */
export function cellText(value: Cell): string {
  if (value === null || value === undefined) return '-'
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replace(/\p{C}/gu, ' ')
}

/**
 * A table with a head. Columns that find no room are left out from the right, at least two stay.
 * @returns the text, and which columns were left out
 */
export function textTable(rows: readonly Row[], columnsMax: number): { text: string; leftOut: string[] } {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) => names.map((name) => shortened(cellText(row[name]))))
  const widths = names.map((name, index) =>
    Math.max(name.length, ...cells.map((row) => row[index]?.length ?? 0)),
  )
  const shown = fitting(widths, columnsMax)
  const line = (texts: readonly string[]) =>
    shown
      .map((index) => (texts[index] ?? '').padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  const head = names.map((name) => name.toUpperCase())
  const leftOut = names.filter((_, index) => !shown.includes(index))
  return { text: [line(head), ...cells.map(line)].join('\n'), leftOut }
}

function fitting(widths: readonly number[], columnsMax: number): number[] {
  let used = 0
  return widths.flatMap((width, index) => {
    used += width + 2
    return index < 2 || used - 2 <= columnsMax ? [index] : []
  })
}

function shortened(text: string): string {
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX - 1)}…` : text
}

/** One thing: a line for each field, what is in it below it. */
export function textCard(thing: Row): string {
  const names = Object.keys(thing)
  const width = Math.max(0, ...names.map((name) => name.length))
  return names.map((name) => `${name.padEnd(width)}  ${cellText(thing[name])}`).join('\n')
}
