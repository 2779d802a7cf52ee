/** From what was typed to a command and what its flags say. Whatever is unknown is refused with the nearest known word. */
import { parseArgs } from 'node:util'
import { type Command, commandName, type Typed } from './command.ts'
import { commonFlags } from './common-flags.ts'
import { wrongUsage } from './exit-codes.ts'
import type { Flag } from './flags.ts'
import { didYouMean } from './nearest.ts'

/** The words at the beginning, and all the rest. */
export function splitWords(args: readonly string[]): { words: string[]; rest: string[] } {
  const first = args.findIndex((it) => it.startsWith('-'))
  const end = first === -1 ? args.length : first
  return { words: args.slice(0, end), rest: args.slice(end) }
}

/**
 * The command that was typed, and what follows its words.
 * @throws CommandFault that names the nearest command
 */
export function findCommand(
  commands: readonly Command[],
  args: readonly string[],
): { command: Command; rest: readonly string[] } {
  const { words } = splitWords(args)
  const fitting = commands
    .filter((it) => it.words.every((word, index) => words[index] === word))
    .sort((a, b) => b.words.length - a.words.length)
  const [command] = fitting
  if (command !== undefined) return { command, rest: args.slice(command.words.length) }
  throw unknownCommand(commands, words)
}

function unknownCommand(commands: readonly Command[], [noun = '', verb]: readonly string[]) {
  const nouns = [...new Set(commands.map((it) => it.words[0]))]
  if (!nouns.includes(noun))
    return wrongUsage(
      `There is no command "${noun}".${didYouMean(noun, nouns)} \`headgate help\` lists them.`,
    )
  const verbs = commands.filter((it) => it.words[0] === noun).flatMap((it) => it.words.slice(1, 2))
  if (verb === undefined) return wrongUsage(`headgate ${noun} needs one of: ${verbs.join(', ')}.`)
  const hint = didYouMean(verb, verbs, `${noun} `)
  return wrongUsage(`There is no command "${noun} ${verb}".${hint} There are: ${verbs.join(', ')}.`)
}

/** All flags that a command takes. */
export function flagsFor(command: Pick<Command, 'flags'>): readonly Flag[] {
  return [...command.flags, ...commonFlags]
}

/** Reads what follows the words. @throws CommandFault on the first thing that cannot be */
export function readArguments(command: Command, rest: readonly string[]): Typed {
  const byName = flagsByName(command)
  const typed = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokensOf(command, rest)) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const flag = byName.get(token.name)
    if (flag === undefined) throw unknownFlag(command, token.rawName, [...byName.keys()])
    const text = textOf(flag, { value: token.value, isNegative: token.rawName === `--no-${token.name}` })
    typed.set(flag.name, [...(typed.get(flag.name) ?? []), text])
  }
  if (!typed.has('help')) checkPositionals(command, positionals)
  return { positionals, flags: typed }
}

/** What follows the words, piece by piece. A letter behind one dash has the long name, so that `--q` and `-q` may be two. */
export function tokensOf(command: Command, rest: readonly string[]) {
  return parseArgs({
    args: [...rest],
    options: optionsOf(flagsFor(command)),
    ...{ strict: false, tokens: true, allowPositionals: true, allowNegative: true },
  }).tokens
}

/** The flags of a command by all their long names. */
export function flagsByName(command: Command): ReadonlyMap<string, Flag> {
  return new Map(flagsFor(command).flatMap((flag) => longNames(flag).map((name) => [name, flag] as const)))
}

function longNames(flag: Flag): string[] {
  return [flag.name, ...flag.also.filter((name) => name.length > 1)]
}

function optionsOf(flags: readonly Flag[]) {
  return Object.fromEntries(
    flags.flatMap((flag) => {
      const type = flag.kind === 'boolean' ? ('boolean' as const) : ('string' as const)
      const short = flag.also.find((name) => name.length === 1)
      const option = { type, multiple: true, ...(short === undefined ? {} : { short }) }
      return longNames(flag).map((name) => [name, name === flag.name ? option : { type, multiple: true }])
    }),
  )
}

function textOf(
  flag: Flag,
  { value, isNegative }: { value: string | undefined; isNegative: boolean },
): string {
  if (flag.kind === 'boolean') {
    if (value !== undefined && value !== 'true' && value !== 'false')
      throw wrongUsage(`--${flag.name} takes no value; write --${flag.name} or --no-${flag.name}`)
    return isNegative || value === 'false' ? 'false' : 'true'
  }
  if (value === undefined)
    throw wrongUsage(`--${flag.name} needs a value: --${flag.name} ${flag.choices[0] ?? '…'}`)
  return value
}

function unknownFlag(command: Command, typed: string, names: readonly string[]) {
  const word = typed.replace(/^-+/, '')
  const hint = didYouMean(word, names, '--')
  return wrongUsage(
    `${commandName(command)} has no flag "${typed}".${hint} \`${commandName(command)} --help\` lists them.`,
  )
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const wanted = command.positionals
  const missing = wanted.find((it, index) => it.isRequired && positionals[index] === undefined)
  if (missing !== undefined)
    throw wrongUsage(
      `${commandName(command)} needs <${missing.name.replace(/Id$/, '')}>, for example: ${command.examples[0]}`,
    )
  const extra = positionals[wanted.length]
  if (extra !== undefined)
    throw wrongUsage(`${commandName(command)} has no use for "${extra}". Names with blanks stand in quotes.`)
}
