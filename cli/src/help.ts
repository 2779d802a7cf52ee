/** The help: examples first, because that is what people look for. Made from the table of commands alone. */
import { flagsFor } from './arguments.ts'
import { type Command, commandName } from './command.ts'
import { commonFlags } from './common-flags.ts'
import { placeholderOf } from './contract-commands.ts'
import { endings, wrongUsage } from './exit-codes.ts'
import { type Flag, takesFile } from './flags.ts'
import { didYouMean } from './nearest.ts'

/** The nouns that stand first; everything else follows by the alphabet. */
const FIRST = [
  'up',
  'status',
  'doctor',
  'login',
  'whoami',
  'keys',
  'teams',
  'apps',
  'models',
  'usage',
  'config',
]

/** All nouns in the order of the help. */
export function nounsOf(commands: readonly Command[]): string[] {
  const all = [...new Set(commands.map((it) => it.words[0]))].sort()
  return [...FIRST.filter((it) => all.includes(it)), ...all.filter((it) => !FIRST.includes(it))]
}

/** `headgate help`. */
export function overview(commands: readonly Command[]): string {
  const rows = nounsOf(commands).map((noun) => {
    const of = commands.filter((it) => it.words[0] === noun)
    const verbs = of.flatMap((it) => it.words.slice(1, 2))
    return [noun, verbs.length > 0 ? [...new Set(verbs)].join(', ') : (of[0]?.summary ?? '')] as const
  })
  return [
    'Examples',
    '  headgate up                                     the whole gateway, here, for evaluation',
    '  headgate keys create --app checkout --name ci --out ci.key',
    '  headgate usage query --by team --range mtd --metric cost',
    '  headgate config diff headgate.yaml',
    '',
    'headgate <noun> <verb>; headgate help <noun> [<verb>] says more',
    ...twoColumns(rows),
    '',
    'Every command takes',
    ...twoColumns(commonFlags.map((it) => [flagHead(it), it.meaning])),
    '',
    'Data goes to standard output, everything else to standard error. `headgate help exit-codes` lists how it ends.',
  ].join('\n')
}

/** The help of all commands of a noun, or of one command. @throws CommandFault when there is none */
export function helpOn(commands: readonly Command[], words: readonly string[]): string {
  if (words[0] === 'exit-codes') return exitCodesHelp()
  const exact = commands.find((it) => it.words.join(' ') === words.join(' '))
  if (exact !== undefined) return commandHelp(exact)
  const of = commands.filter((it) => words.every((word, index) => it.words[index] === word))
  if (of.length === 0) {
    const known = [...new Set(commands.map((it) => it.words.slice(0, words.length).join(' '))), 'exit-codes']
    throw wrongUsage(`There is no help on "${words.join(' ')}".${didYouMean(words.join(' '), known)}`)
  }
  return [
    'Examples',
    ...of.slice(0, 4).map((it) => `  ${it.examples[0]}`),
    '',
    ...twoColumns(of.map((it) => [[...it.words, ...argumentsOf(it)].join(' '), it.summary])),
  ].join('\n')
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const own = flagsFor(command).filter((it) => !commonFlags.includes(it))
  const needed = own.filter((it) => it.isRequired)
  const others = own.filter((it) => !it.isRequired)
  const operation = command.kind === 'operation' ? [`Operation ${command.operation} of the admin API.`] : []
  return [
    'Examples',
    ...command.examples.map((it) => `  ${it}`),
    '',
    [commandName(command), ...argumentsOf(command), ...(own.length > 0 ? ['[flags]'] : [])].join(' '),
    `  ${command.summary}`,
    ...operation.map((it) => `  ${it}`),
    ...section('Needed', needed),
    ...section('Flags', others),
    ...section('As every command', commonFlags),
  ].join('\n')
}

function section(title: string, flags: readonly Flag[]): string[] {
  return flags.length === 0
    ? []
    : ['', title, ...twoColumns(flags.map((it) => [flagHead(it), meaningOf(it)]))]
}

/** What follows the words of a command, as the help writes it. */
export function argumentsOf(command: Pick<Command, 'positionals'>): string[] {
  return command.positionals.map(({ name, isRequired }) =>
    isRequired ? `<${placeholderOf(name)}>` : `[<${placeholderOf(name)}>]`,
  )
}

/** A flag as it is typed: `--output, -o table|json`. */
export function flagHead(flag: Flag): string {
  const others = flag.also.map((it) => (it.length === 1 ? `-${it}` : `--${it}`))
  const spellings = [`--${flag.name}`, ...others]
  const value = { text: 'TEXT', number: 'N', boolean: '', list: 'A,B', money: 'MONEY', data: 'JSON' }[
    flag.kind
  ]
  const plain = takesFile(flag) ? 'FILE' : value
  const choice = flag.choices.length > 0 && flag.choices.length <= 8 ? flag.choices.join('|') : plain
  const named = flag.idPrefixes.length > 0 ? 'NAME|ID' : choice
  return `${spellings.join(', ')}${named === '' ? '' : ` ${named}`}`
}

/** What it means, with its choices where they found no room, and `null` where it may be that. */
export function meaningOf(flag: Flag): string {
  const choices = flag.choices.length > 8 ? `One of ${flag.choices.join(', ')}.` : ''
  const nullable = flag.isNullable ? 'May be `null`.' : ''
  return [flag.meaning, choices, nullable].filter((it) => it !== '').join(' ')
}

function exitCodesHelp(): string {
  return twoColumns(endings.map(({ code, meaning }) => [String(code), meaning])).join('\n')
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(44, Math.max(0, ...rows.map(([first]) => first.length)))
  return rows.map(([first, second]) =>
    first.length > width
      ? `  ${first}\n  ${' '.repeat(width)}  ${second}`.trimEnd()
      : `  ${first.padEnd(width)}  ${second}`.trimEnd(),
  )
}

/** The help as data, for programmes that type commands. */
export function helpData(commands: readonly Command[]): unknown {
  return commands.map((it) => ({
    command: it.words.join(' '),
    summary: it.summary,
    arguments: it.positionals.map((one) => ({ name: placeholderOf(one.name), required: one.isRequired })),
    flags: it.flags.map((one) => ({
      ...{
        name: one.name,
        also: one.also,
        kind: one.kind,
        required: one.isRequired,
        nullable: one.isNullable,
      },
      ...{ choices: one.choices, meaning: one.meaning },
    })),
    examples: it.examples,
    operation: it.kind === 'operation' ? it.operation : null,
    destructive: it.kind === 'operation' && it.isDestructive,
  }))
}
