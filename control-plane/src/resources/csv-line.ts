/** A line of CSV (RFC 4180) that no spreadsheet runs. Every file that people open is written with it. */

/** Money and instants are text, so that no reader rounds them. */
export type Cell = string | number | boolean | null

export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(cellText).join(',')}\r\n`
}

/** How a formula may begin: also behind blanks, which spreadsheets pass over, and in the full width of East Asian type. */
const FORMULA = /^[\s\p{Z}\p{Cf}]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/u
/** Money below zero is text here, and no formula. */
const NUMBER = /^-?\d+(\.\d+)?$/

/** Text that a spreadsheet would run as a formula gets an apostrophe before it, and is shown as it is. */
function cellText(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  const safe = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
