/** The table of commands: those of the operations, and the few of our own. */
import type { Command } from './command.ts'
import { contractCommands } from './contract-commands.ts'
import { ownCommands } from './own-commands.ts'

/** Every command there is, by noun and then as the tables have them. */
export function allCommands(): readonly Command[] {
  const all: Command[] = []
  const own = ownCommands(() => all)
  all.push(...own, ...contractCommands())
  return all.sort((a, b) => (a.words[0] < b.words[0] ? -1 : a.words[0] > b.words[0] ? 1 : 0))
}
