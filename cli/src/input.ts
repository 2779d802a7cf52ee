/** From what was typed to what an operation is called with: names become ids, files become bodies, a range two instants. */
import { readFile } from 'node:fs/promises'
import { renameKeys } from '@headgate/admin-contract/wire'
import { parse as parseYaml } from 'yaml'
import type { OperationCommand, Run } from './command.ts'
import { placeholderOf, takesSecret } from './contract-commands.ts'
import { wrongUsage } from './exit-codes.ts'
import { type Flag, readFlag } from './flags.ts'
import { idNamed } from './names.ts'
import { spanOf } from './span.ts'

/** What the typed client is called with, without its types: the walk over the table cannot know them. */
export type LooseInput = {
  params?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  ifMatch?: string
  idempotencyKey?: string
  dryRun?: true
}

/** @throws CommandFault for what cannot be meant */
export async function inputOf(command: OperationCommand, run: Run): Promise<LooseInput> {
  const input: LooseInput = { params: await paramsOf(command, run) }
  if (command.it.query !== undefined)
    input.query = { ...spanIn(run), ...(await fieldsOf(command, 'query', run)) }
  if (command.it.method === 'GET') return input
  if (command.it.body !== undefined) input.body = await bodyOf(command, run)
  const [ifMatch, idempotencyKey] = [run.value('if-match'), run.value('idempotency-key')]
  if (ifMatch !== null) input.ifMatch = ifMatch
  if (idempotencyKey !== null) input.idempotencyKey = idempotencyKey
  if (run.has('dry-run')) input.dryRun = true
  return input
}

async function paramsOf(command: OperationCommand, run: Run): Promise<Record<string, string>> {
  const params: Record<string, string> = {}
  for (const [index, { name, idPrefixes }] of command.positionals.entries()) {
    const text = run.typed.positionals[index] ?? ''
    if (text === '') throw wrongUsage(`<${placeholderOf(name)}> is empty`)
    params[name] = await idNamed(text, { prefixes: idPrefixes, flag: `<${placeholderOf(name)}>` }, run.client)
  }
  return params
}

function spanIn(run: Run): Record<string, unknown> {
  const range = run.value('range')
  if (range === null) return {}
  if (run.value('from') !== null) throw wrongUsage('--range and --from say the same: use one of them')
  return spanOf(range, Date.now())
}

async function fieldsOf(
  command: OperationCommand,
  place: 'query' | 'body',
  run: Run,
): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = {}
  for (const flag of command.flags) {
    const typed = run.typed.flags.get(flag.name)
    if (flag.place !== place || typed === undefined) continue
    if (Object.hasOwn(fields, flag.field)) throw wrongUsage(`--${flag.name} was said twice, in two spellings`)
    fields[flag.field] =
      place === 'query' ? await queryValue(flag, typed, run) : await bodyValue(flag, typed, run)
  }
  return fields
}

/** Text in every case; lists with commas between. */
async function queryValue(flag: Flag, typed: readonly string[], run: Run): Promise<string> {
  const parts = flag.idPrefixes.length > 0 ? typed.flatMap((it) => it.split(',')) : typed
  const values: string[] = []
  for (const text of parts) {
    const value = flag.kind === 'boolean' ? text : readFlag(flag, text)
    values.push(await named(flag, String(value), run))
  }
  return values.join(',')
}

async function bodyValue(flag: Flag, typed: readonly string[], run: Run): Promise<unknown> {
  if (flag.kind === 'boolean') return typed.at(-1) === 'true'
  const last = readFlag(flag, typed.at(-1) ?? '')
  if (flag.kind !== 'list' || last === null) return typeof last === 'string' ? named(flag, last, run) : last
  const items = typed.flatMap((text) => readFlag(flag, text) as string[])
  return Promise.all(items.map((item) => named(flag, item, run)))
}

function named(flag: Flag, text: string, run: Run): Promise<string> | string {
  if (flag.idPrefixes.length === 0) return text
  return idNamed(text, { prefixes: flag.idPrefixes, flag: `--${flag.name}` }, run.client)
}

async function bodyOf(command: OperationCommand, run: Run): Promise<unknown> {
  const fields = { ...(await fieldsOf(command, 'body', run)), ...command.preset }
  if (takesSecret(command.it)) Object.assign(fields, { value: await secretValue(run) })
  const file = run.value('file')
  const base = file === null ? {} : renameKeys(await readData(file, run))
  if (base === null || typeof base !== 'object' || Array.isArray(base))
    throw wrongUsage('--file holds one JSON or YAML object with the fields of the thing')
  const body = { ...base, ...fields }
  const missing = command.flags.filter(
    (it) => it.place === 'body' && it.isRequired && !Object.hasOwn(body, it.field),
  )
  if (missing.length > 0) {
    const names = missing.map((it) => `--${it.name}`).join(', ')
    throw wrongUsage(
      `${names} ${missing.length === 1 ? 'is' : 'are'} needed, for example: ${command.examples[0]}`,
    )
  }
  const isEmpty = Object.keys(body).length === 0 && command.it.method === 'PATCH'
  if (isEmpty) throw wrongUsage(`Say what is to change, for example ${examplesOfChange(command)}.`)
  return body
}

function examplesOfChange(command: OperationCommand): string {
  const flag = command.flags.find((it) => it.place === 'body')
  return `--${flag?.name ?? 'file'} …`
}

async function readData(path: string, run: Run): Promise<unknown> {
  const text = await readText(path, '--file', run)
  try {
    return parseYaml(text)
  } catch (fault) {
    throw wrongUsage(`--file ${path}: ${fault instanceof Error ? fault.message : String(fault)}`)
  }
}

async function secretValue(run: Run): Promise<string> {
  const path = run.value('value-file')
  if (path === null)
    throw wrongUsage('--value-file is needed: a file with the secret, or - for standard input')
  return (await readText(path, '--value-file', run)).replace(/\r?\n$/, '')
}

/** A file, or with `-` standard input. @throws CommandFault that names the flag */
export async function readText(path: string, flag: string, run: Pick<Run, 'io'>): Promise<string> {
  if (path === '-') return run.io.readInput()
  try {
    return await readFile(path, 'utf8')
  } catch (fault) {
    throw wrongUsage(
      `${flag}: ${path} cannot be read: ${fault instanceof Error ? fault.message : String(fault)}`,
    )
  }
}
