/** A table as Markdown shows it, and figures as a table shows them: the median, then the range over rounds. */
import { median } from './rounds.ts'

/** A Markdown table, padded so that it reads well in a terminal too. */
export function markdownTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(headers), rule, ...rows.map(line)].join('\n')
}

/** `median (min–max)`; a single value stands alone, nothing is a dash. */
export function spread(values: readonly number[], decimals: number): string {
  if (values.length === 0) return '–'
  const text = (value: number) => value.toFixed(decimals)
  if (values.length === 1) return text(median(values))
  return `${text(median(values))} (${text(Math.min(...values))}–${text(Math.max(...values))})`
}
