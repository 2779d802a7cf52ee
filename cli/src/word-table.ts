/** What may follow what on a command line, as the scripts of shells hold it. */
import { flagsFor } from './arguments.ts'
import type { Command } from './command.ts'
import { commonFlags } from './common-flags.ts'
import { type Expected, expectedAfter, expectedAs } from './expected.ts'
import type { Flag } from './flags.ts'
import { nounsOf } from './help.ts'
import { allListings } from './listings.ts'

/**
 * What follows what: words with blanks between them, or one of `@values`, which `headgate complete` knows, `@files` and
 * `@nothing`. A place is the words of a command and perhaps a flag, as `keys create --app`; `*` is any command.
 */
export type WordTable = {
  readonly nouns: string
  readonly verbsOf: ReadonlyMap<string, string>
  /** The commands of two words. */
  readonly pairs: readonly string[]
  readonly afterFlags: ReadonlyMap<string, string>
  /** Places behind flags that take no value. */
  readonly switches: readonly string[]
  readonly argumentsOf: ReadonlyMap<string, string>
  readonly flagsOf: ReadonlyMap<string, string>
}

/** Made from the table of commands. */
export function wordTable(commands: readonly Command[]): WordTable {
  const listings = allListings()
  const nouns = nounsOf(commands)
  const flags = [
    ...commonFlags.map((flag) => ({ words: '*', flag })),
    ...commands.flatMap((it) => it.flags.map((flag) => ({ words: it.words.join(' '), flag }))),
  ]
  const places = flags.flatMap(({ words, flag }) =>
    spellingsOf(flag).map((spelling) => ({ place: `${words} ${spelling}`, flag })),
  )
  const valued = places.filter(({ flag }) => flag.kind !== 'boolean')
  const firsts = commands.flatMap((it) => {
    const [positional] = it.positionals
    return positional === undefined
      ? []
      : [[it.words.join(' '), expectedAs(positional, it, listings)] as const]
  })
  return {
    nouns: nouns.join(' '),
    verbsOf: new Map(nouns.map((noun) => [noun, verbsOf(commands, noun)])),
    pairs: commands.filter((it) => it.words.length > 1).map((it) => it.words.join(' ')),
    afterFlags: new Map(
      valued.map(({ place, flag }) => [place, answered(expectedAfter(flag, listings), flag.kind === 'list')]),
    ),
    switches: places.filter(({ flag }) => flag.kind === 'boolean').map(({ place }) => place),
    // Where anything may stand, flags are offered.
    argumentsOf: new Map(
      firsts.flatMap(([words, expected]) =>
        expected.kind === 'anything' ? [] : [[words, answered(expected, false)]],
      ),
    ),
    flagsOf: new Map(
      commands.map((it) => [
        it.words.join(' '),
        flagsFor(it)
          .map(({ name }) => `--${name}`)
          .join(' '),
      ]),
    ),
  }
}

function verbsOf(commands: readonly Command[], noun: string): string {
  return [
    ...new Set(commands.filter((it) => it.words[0] === noun).flatMap((it) => it.words.slice(1, 2))),
  ].join(' ')
}

function spellingsOf({ name, also }: Flag): string[] {
  return [name, ...also].map((it) => (it.length === 1 ? `-${it}` : `--${it}`))
}

/** @param isList several with commas between them, which shells do not take apart */
function answered(expected: Expected, isList: boolean): string {
  if (expected.kind === 'choices' && !isList) return expected.choices.join(' ')
  if (expected.kind === 'anything') return '@nothing'
  return expected.kind === 'files' ? '@files' : '@values'
}

/** Places by what follows them: `@values` and what follows `--output` stand once. */
export function byWords(table: ReadonlyMap<string, string>): [words: string, places: string[]][] {
  const found = Map.groupBy([...table], ([, words]) => words)
  return [...found].map(([words, its]) => [words, its.map(([place]) => place)])
}
