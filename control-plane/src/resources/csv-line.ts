/** A line of CSV (RFC 4180) that no spreadsheet runs. Every file that people open is written with it. */

/** Money and instants are text, so that no reader rounds them. */
export type Cell = string | number | boolean | null

export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`
}

/** Text that a spreadsheet would run as a formula gets an apostrophe before it, and is shown as it is. */
function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
