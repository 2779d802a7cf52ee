/**
 * A command is what can be typed, as data: its words, what follows them, its flags, and what it does. The help, the
 * reference, the completion and the run are all made from it.
 */
import type { AdminClient } from '@headgate/admin-contract/client'
import type { Operation } from '@headgate/admin-contract/operation'
import type { CliSettings } from './config.ts'
import type { Ending } from './exit-codes.ts'
import type { Flag } from './flags.ts'
import type { Io } from './io.ts'

/** What follows the words of a command, in order. */
export type Positional = {
  /** The parameter of the path, or the name of an own command's argument. */
  readonly name: string
  readonly isRequired: boolean
  /** What ids begin with, where it names a thing, of one kind or several; none for others. */
  readonly idPrefixes: readonly string[]
}

export type Typed = {
  readonly positionals: readonly string[]
  /** What was typed for each flag, by its name; a flag that was typed twice has both, in order. */
  readonly flags: ReadonlyMap<string, readonly string[]>
}

/** What a command works with. */
export type Run = {
  readonly io: Io
  readonly settings: CliSettings
  readonly typed: Typed
  /** The admin API. Nothing is sent before it is used. */
  client(): AdminClient
  /** Whether a flag without a value was typed. */
  has(flag: string): boolean
  /** What was typed last for a flag. */
  value(flag: string): string | null
  readonly stop: AbortSignal
}

type Shared = {
  readonly words: readonly [string, ...string[]]
  readonly summary: string
  readonly positionals: readonly Positional[]
  readonly flags: readonly Flag[]
  readonly examples: readonly string[]
}

export type OperationCommand = Shared & {
  readonly kind: 'operation'
  /** As in the OpenAPI document: `keys.revoke`. */
  readonly operation: string
  readonly it: Operation
  /** What cannot be undone: the name is asked for first. */
  readonly isDestructive: boolean
  /** Its reply holds a secret, once. */
  readonly showsSecret: boolean
  /** Fields of the body that are set already, as for `keys disable`. */
  readonly preset: Readonly<Record<string, unknown>>
}

export type OwnCommand = Shared & {
  readonly kind: 'own'
  /** Whether it speaks with the server through the typed client. */
  readonly connects?: true
  /** What may stand for its argument, for whoever completes it; left out where that is a thing, a file or anything. */
  suggest?(settings: CliSettings): Promise<readonly string[]>
  run(run: Run): Promise<Ending>
}

export type Command = OperationCommand | OwnCommand

/** As it is typed: `headgate keys rotate`. */
export function commandName({ words }: Pick<Command, 'words'>): string {
  return `headgate ${words.join(' ')}`
}
