/**
 * Completion for bash, zsh and fish: scripts that hold the whole table of words and flags, so that a Tab on them costs no
 * start of a process. What only the server knows they ask `headgate complete`. All but the table stands in `shells`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './command.ts'
import { fishTable, posixTable } from './shell-tables.ts'
import { wordTable } from './word-table.ts'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The script for a shell. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const table = wordTable(commands)
  const lines = shell === 'fish' ? fishTable(table) : posixTable(table)
  const script = readFileSync(join(import.meta.dirname, 'shells', `headgate.${shell}`), 'utf8')
  return script.replace('#TABLE', () => lines.join('\n'))
}
