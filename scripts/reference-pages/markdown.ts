/** Markdown for pages that are written by a script: the line that says so, and tables whose cells cannot break them. */

/** The first lines of a generated page. */
export function pageHead(title: string, source: string): string {
  return `# ${title}\n\n<!-- Written by \`npm run docs\` from ${source}. Do not edit. -->\n`
}

/** A table; pipes and line ends inside cells are made harmless. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, heads.map(() => '---'), ...rows.map((row) => row.map(cell))]
  return `${lines.map((line) => `| ${line.join(' | ')} |`).join('\n')}\n`
}

/** A text as code, or nothing when it is empty. */
export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
