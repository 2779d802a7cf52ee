/**
 * `headgate complete`: what may stand for the last word of a line, which the completions of shells ask where only the
 * server knows. Whoever types is neither kept waiting nor told of faults: nothing is offered then.
 */
import { findCommand, flagsByName, tokensOf } from './arguments.ts'
import type { Command, OwnCommand, Run } from './command.ts'
import { connect, findConnection } from './connection.ts'
import { type Expected, expectedAfter, expectedAs } from './expected.ts'
import { ownFlag } from './flags.ts'
import { allListings } from './listings.ts'
import { readProfiles } from './profiles.ts'
import { type Offer, thingsOffered } from './things-offered.ts'

/** With the start of the process it stays below a second. */
const PATIENCE_MS = 700

export function completeCommand(commands: () => readonly Command[]): OwnCommand {
  return {
    kind: 'own',
    words: ['complete'],
    summary: 'Prints what may stand for the last of these words; the completions of shells ask it.',
    positionals: [],
    flags: [ownFlag('word', 'text', 'A word as it was typed, in order; the last is the one to complete.')],
    examples: ['headgate complete --word=keys --word=rotate --word=check'],
    run: async (run) => {
      const stop = AbortSignal.any([run.stop, AbortSignal.timeout(PATIENCE_MS)])
      const words = run.typed.flags.get('word') ?? []
      const offers = await offersFor(words, commands(), { settings: run.settings, stop }).catch(() => [])
      await run.io.out(offers.map(({ value, told }) => `${value}\t${told}\n`).join(''))
      return 'done'
    },
  }
}

type Asking = Pick<Run, 'settings' | 'stop'>

async function offersFor(
  words: readonly string[],
  commands: readonly Command[],
  asking: Asking,
): Promise<Offer[]> {
  const { command, rest } = findCommand(commands, words)
  const { expected, typed, isList, flags } = placeIn(command, rest)
  // What stands before in a list stays as it is.
  const before = isList ? typed.slice(0, typed.lastIndexOf(',') + 1) : ''
  const begun = typed.slice(before.length)
  const offers = await offersOf(expected, begun, { ...asking, command, flags })
  return offers
    .filter(({ value, told }) => value.startsWith(begun) && isOneLine(value) && isOneLine(told))
    .map(({ value, told }) => ({ value: `${before}${value}`, told }))
}

/** Names of others are shown on a terminal: what would steer it is not offered. */
function isOneLine(text: string): boolean {
  return !/[\p{Cc}\u2028\u2029]/u.test(text)
}

type Place = {
  readonly expected: Expected
  readonly typed: string
  /** Whether several may stand there with commas between them. */
  readonly isList: boolean
  readonly flags: ReadonlyMap<string, string>
}

/** @param rest what was typed behind the words of the command; its last is the one to complete */
function placeIn(command: Command, rest: readonly string[]): Place {
  const byName = flagsByName(command)
  const listings = allListings()
  const flags = new Map<string, string>()
  let place: Omit<Place, 'flags'> = { expected: { kind: 'anything' }, typed: '', isList: false }
  let positionals = 0
  for (const token of tokensOf(command, rest)) {
    if (token.kind === 'positional') {
      const positional = command.positionals[positionals++]
      const expected = positional && expectedAs(positional, command, listings)
      place = { expected: expected ?? { kind: 'anything' }, typed: token.value, isList: false }
    }
    const flag = token.kind === 'option' ? byName.get(token.name) : undefined
    if (token.kind !== 'option' || flag === undefined || token.value === undefined) continue
    flags.set(flag.name, token.value)
    const isList = flag.kind === 'list' || (flag.place === 'query' && flag.idPrefixes.length > 0)
    place = { expected: expectedAfter(flag, listings), typed: token.value, isList }
  }
  return { ...place, flags }
}

type AskingThere = Asking & { readonly command: Command; readonly flags: ReadonlyMap<string, string> }

async function offersOf(
  expected: Expected,
  begun: string,
  { command, flags, settings, stop }: AskingThere,
): Promise<Offer[]> {
  const plain = (values: readonly string[]) => values.map((value) => ({ value, told: '' }))
  if (expected.kind === 'choices') return plain(expected.choices)
  if (expected.kind === 'profiles')
    return plain(Object.keys((await readProfiles(settings.configDir)).profiles))
  if (expected.kind === 'suggested')
    return plain((command.kind === 'own' ? await command.suggest?.(settings) : null) ?? [])
  if (expected.kind !== 'things') return []
  const wanted = { server: flags.get('server') ?? null, profile: flags.get('profile') ?? null }
  return thingsOffered(expected, begun, connect(await findConnection(settings, wanted, stop), stop))
}
