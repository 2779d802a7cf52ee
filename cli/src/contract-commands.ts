/**
 * The commands that the table of operations gives: one for each, with a flag for each field. A new admin resource has
 * its commands here without a line of its own.
 */
import { contract } from '@headgate/admin-contract/index'
import { actedOnPath, type Operation } from '@headgate/admin-contract/operation'
import { renameKey } from '@headgate/admin-contract/wire'
import type { OperationCommand, Positional } from './command.ts'
import { destructive, examplesOf, nouns, presets, verbs, wordsOf } from './command-words.ts'
import { type Flag, flagsOf, ownFlag, prefixesOf, sentSchema } from './flags.ts'

/** Every operation by its name, as `keys.revoke`. */
export function allOperations(): ReadonlyMap<string, Operation> {
  return new Map(
    Object.entries(contract).flatMap(([word, group]) =>
      (Object.entries(group) as [string, Operation][]).map(([name, it]) => [`${word}.${name}`, it] as const),
    ),
  )
}

/** One command for each operation, and those with fields set already. */
export function contractCommands(): OperationCommand[] {
  const operations = allOperations()
  const plain = [...operations].map(([operation, it]) => commandOf(operation, it, wordsFor(operation)))
  const preset = presets.map(({ words, operation, fields, summary }) => {
    const command = commandOf(operation, operations.get(operation) as Operation, words)
    const flags = command.flags.filter((it) => it.place !== 'body' && it.name !== 'file')
    const examples = [exampleOf({ ...command, flags })]
    return { ...command, summary, preset: fields, flags, examples }
  })
  return [...plain, ...preset]
}

function wordsFor(operation: string): readonly [string, ...string[]] {
  const own = wordsOf[operation]
  if (own !== undefined) return own
  const [word = '', name = ''] = operation.split('.')
  return [nouns[word] ?? kebab(word), verbs[name] ?? kebab(name)]
}

function kebab(camel: string): string {
  return renameKey(camel).replaceAll('_', '-')
}

function commandOf(
  operation: string,
  it: Operation,
  words: readonly [string, ...string[]],
): OperationCommand {
  const showsSecret = Object.hasOwn(sentSchema(it.reply, 'output').properties ?? {}, 'secret')
  const isDestructive = it.method === 'DELETE' || destructive.has(operation)
  const positionals = positionalsOf(it.path)
  const body = flagsOf(it.body, 'body').filter((flag) => !(takesSecret(it) && flag.field === 'value'))
  const query = flagsOf(it.query, 'query')
  const flags = [...query, ...body, ...flagsBeside(it, { isDestructive, showsSecret, query, body })]
  const command = { words, positionals, flags, operation, it, isDestructive, showsSecret }
  const examples = examplesOf[words.join(' ')] ?? [exampleOf(command)]
  return { kind: 'operation', ...command, summary: it.summary, examples, preset: {} }
}

export function takesSecret(it: Operation): boolean {
  return it.method !== 'GET' && it.takesSecret === true
}

/** What a parameter of a path names, by the operation that reads it: `keyId` a key. */
function positionalsOf(path: string): Positional[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    isRequired: true,
    idPrefixes: idPrefixesOf(name),
  }))
}

function idPrefixesOf(parameter: string): string[] {
  for (const group of Object.values(contract)) {
    for (const it of Object.values(group) as Operation[]) {
      if (it.method !== 'GET' || !it.path.endsWith(`/{${parameter}}`)) continue
      const id = sentSchema(it.reply, 'output').properties?.['id']
      return prefixesOf(id?.pattern).slice(0, 1)
    }
  }
  return []
}

type Beside = {
  isDestructive: boolean
  showsSecret: boolean
  query: readonly Flag[]
  body: readonly Flag[]
}

/** Flags that follow from what kind of operation it is. */
function flagsBeside(it: Operation, { isDestructive, showsSecret, query, body }: Beside): Flag[] {
  const has = (field: string) => query.some((flag) => flag.field === field)
  const flags: Flag[] = []
  if (has('from') && has('to'))
    flags.push(ownFlag('range', 'text', 'In place of --from: 24h, 7d, 4w, mtd (this month so far), today.'))
  if (has('cursor')) flags.push(ownFlag('all', 'boolean', 'Goes on to the last page.'))
  if (it.download === true)
    flags.push(ownFlag('out', 'text', 'Writes into this file instead of standard output.'))
  if (it.method === 'GET') {
    if (it.download !== true && it.events !== true)
      flags.push(ownFlag('watch', 'text', 'Asks again every so many seconds, until Ctrl-C.'))
    return flags
  }
  if (it.body !== undefined)
    flags.push(
      ownFlag(
        'file',
        'text',
        'The fields as JSON or YAML from this file, `-` for standard input; flags go before it.',
        ['f'],
      ),
    )
  if (takesSecret(it))
    flags.push(
      ownFlag(
        'value-file',
        'text',
        'The secret, from this file; `-` for standard input. It is never typed as an argument.',
      ),
    )
  if (it.method !== 'POST' || actedOnPath(it) !== null)
    flags.push(ownFlag('if-match', 'text', 'Only if its ETag is this one.'))
  flags.push(
    ownFlag('idempotency-key', 'text', 'A repeat under the same key answers what the first one did.'),
  )
  flags.push(ownFlag('dry-run', 'boolean', 'Does it to its end and takes it back: shows what would change.'))
  if (isDestructive || body.some((flag) => flag.field === 'allowDeletion'))
    flags.push(ownFlag('yes', 'boolean', 'Does not ask for the name first.', ['y']))
  if (showsSecret) {
    flags.push(ownFlag('show-secret', 'boolean', 'Shows the secret on standard output.'))
    flags.push(ownFlag('out', 'text', 'Writes the secret into this new file, which only you can read.'))
  }
  return flags
}

type Exemplary = Pick<OperationCommand, 'words' | 'positionals' | 'flags' | 'it'>

function exampleOf({ words, positionals, flags, it: { method } }: Exemplary): string {
  const named = positionals.map((it) => `<${placeholderOf(it.name)}>`)
  const required = flags.filter((it) => it.isRequired)
  const changed = flags.filter((it) => it.place === 'body').slice(0, 1)
  const needed = (method === 'PATCH' ? changed : required).map(
    (it) => `--${it.name} ${it.choices[0] ?? (it.kind === 'money' ? '100' : '…')}`,
  )
  return ['headgate', ...words, ...named, ...needed].join(' ')
}

/** What stands for a parameter in texts: `keyId` is `key`. */
export function placeholderOf(parameter: string): string {
  return kebab(parameter).replace(/-id$/, '')
}
