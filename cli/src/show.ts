/**
 * How replies are written: a table for people, or a form for programmes. Names are those of the wire, so what is read
 * here is what the reference of the admin API speaks of. A secret is masked unless it was asked for.
 */
import { renameKeys } from '@headgate/admin-contract/wire'
import { stringify as csvOf } from 'csv-stringify/sync'
import { stringify as yamlOf } from 'yaml'
import type { Run } from './command.ts'
import type { OutputForm } from './common-flags.ts'
import { wrongUsage } from './exit-codes.ts'
import { didYouMean } from './nearest.ts'
import { cellText, flatRow, type Row, textCard, textTable } from './text-table.ts'

const MASK = '[secret: --show-secret or --out]'

/** The form that was asked for, or the one that fits where the data goes. */
export function formOf(run: Run): OutputForm | 'ids' {
  if (run.has('quiet')) return 'ids'
  if (run.value('json') !== null) return 'json'
  return (run.value('output') as OutputForm | null) ?? (run.io.isTerminal ? 'table' : 'json')
}

/** A reply in the words of the wire, with its secrets masked unless they may be shown. */
export function shownReply(reply: unknown, showSecret: boolean): unknown {
  const wire = renameKeys(reply)
  return showSecret ? wire : masked(wire)
}

function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) =>
      name === 'secret' && typeof inner === 'string' ? [name, MASK] : [name, masked(inner)],
    ),
  )
}

/** The things that a reply lists, or null where it is one thing. */
export function rowsOf(reply: unknown): Row[] | null {
  if (Array.isArray(reply)) return reply as Row[]
  const data = (reply as { data?: unknown } | null)?.data
  return Array.isArray(data) ? (data as Row[]) : null
}

/** Whether a reply is a page of a list and nothing more. */
function isPage(reply: unknown): boolean {
  return rowsOf(reply) !== null && Object.hasOwn(reply as object, 'page')
}

/** Writes a reply. @throws CommandFault when fields were asked for that it does not have */
export async function show(reply: unknown, run: Run): Promise<void> {
  const form = formOf(run)
  const rows = rowsOf(reply)
  const fields = run
    .value('json')
    ?.split(',')
    .map((it) => it.trim())
  if (fields !== undefined) return line(run, JSON.stringify(picked(rows ?? (reply as Row), fields), null, 2))
  if (form === 'ids') return lines(run, (rows ?? [reply as Row]).map(idOf))
  if (form === 'json') return line(run, JSON.stringify(isPage(reply) ? rows : reply, null, 2))
  if (form === 'yaml') return run.io.out(yamlOf(isPage(reply) ? rows : reply))
  if (form === 'ndjson')
    return lines(
      run,
      (rows ?? [reply]).map((row) => JSON.stringify(row)),
    )
  if (form === 'csv') return run.io.out(csvText((rows ?? [reply as Row]).map(flatRow)))
  return showTable(reply, rows, run)
}

async function showTable(reply: unknown, rows: Row[] | null, run: Run): Promise<void> {
  if (rows === null)
    return line(
      run,
      reply === null || typeof reply !== 'object' ? cellText(reply) : textCard(flatRow(reply as Row)),
    )
  if (rows.length === 0) return run.io.say('Nothing.')
  const { text, leftOut } = textTable(
    rows.map(flatRow),
    run.io.isTerminal ? run.io.columns : Number.POSITIVE_INFINITY,
  )
  await line(run, text)
  if (leftOut.length > 0)
    run.io.say(`Not shown for want of room: ${leftOut.join(', ')}. --output yaml shows all.`)
}

async function lines(run: Run, texts: readonly string[]): Promise<void> {
  if (texts.length > 0) await run.io.out(`${texts.join('\n')}\n`)
}

function line(run: Run, text: string): Promise<void> {
  return run.io.out(`${text}\n`)
}

function idOf(row: Row): string {
  for (const name of ['id', 'request_id', 'budget_id', 'key_id', 'version', 'gateway_id', 'day', 'name'])
    if (row[name] !== undefined) return cellText(row[name])
  return cellText(row)
}

function picked(from: Row | readonly Row[], fields: readonly string[]): unknown {
  if (Array.isArray(from)) return from.map((row) => picked(row as Row, fields))
  const row = from as Row
  return Object.fromEntries(
    fields.map((field) => {
      if (Object.hasOwn(row, field)) return [field, row[field]]
      const names = Object.keys(row)
      throw wrongUsage(
        `--json: there is no field "${field}".${didYouMean(field, names)} There are: ${names.join(', ')}`,
      )
    }),
  )
}

/** What a spreadsheet would take for a formula is made text. */
function csvText(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  if (columns.length === 0) return ''
  const cells = rows.map((row) =>
    columns.map((name) => (row[name] === null || row[name] === undefined ? '' : cellText(row[name]))),
  )
  return csvOf([columns, ...cells], { escape_formulas: true })
}
