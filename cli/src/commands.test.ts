/** The table of commands is whole and does not contradict itself, whatever is added to the admin API. */
import { expect, test } from 'vitest'
import { findCommand, flagsFor, readArguments } from './arguments.ts'
import { commandName } from './command.ts'
import { allCommands } from './commands.ts'
import { completionScript, shells } from './completion.ts'
import { allOperations } from './contract-commands.ts'
import { commandHelp, helpOn, nounsOf, overview } from './help.ts'

const commands = allCommands()

test('every operation of the admin API has a command, and no two commands have the same words', () => {
  const named = commands.flatMap((it) => (it.kind === 'operation' ? [it.operation] : []))
  expect(new Set(named)).toEqual(new Set(allOperations().keys()))
  const words = commands.map(commandName)
  expect(words.filter((it, index) => words.indexOf(it) !== index)).toEqual([])
})

test('no command has two flags of one name, and none takes a name from those that all have', () => {
  for (const command of commands) {
    const names = flagsFor(command).flatMap((it) => [it.name, ...it.also.filter((name) => name.length > 1)])
    const twice = names.filter((it, index) => names.indexOf(it) !== index)
    expect(twice, commandName(command)).toEqual([])
  }
})

test('a write can be rehearsed, a removal asks, a secret is kept back', () => {
  for (const command of commands) {
    if (command.kind !== 'operation') continue
    const names = new Set(command.flags.map((it) => it.name))
    expect(names.has('dry-run'), commandName(command)).toBe(command.it.method !== 'GET')
    if (command.it.method === 'DELETE') expect(names.has('yes'), commandName(command)).toBe(true)
    if (command.showsSecret) expect(names.has('show-secret'), commandName(command)).toBe(true)
  }
  const destructive = commands.filter((it) => it.kind === 'operation' && it.isDestructive).map(commandName)
  expect(destructive).toContain('headgate keys revoke')
})

/** As a shell would part it; the examples hold nothing but words and quotes. */
const parted = (line: string) =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

test('every example can be typed as it stands', () => {
  for (const command of commands) {
    for (const example of command.examples) {
      const [, ...args] = parted(example.replace(/^source <\(|\)$|\|.*$|[<>]\s+\S+$/g, '')).map((it) => it)
      const found = findCommand(commands, args)
      expect(commandName(found.command), example).toBe(commandName(command))
      expect(() => readArguments(found.command, found.rest), example).not.toThrow()
    }
  }
})

test('every command and every noun has help that begins with an example', () => {
  for (const noun of nounsOf(commands)) {
    expect(helpOn(commands, [noun])).toMatch(/^Examples\n {2}/)
    expect(overview(commands)).toContain(`\n  ${noun} `)
  }
  for (const command of commands) expect(commandHelp(command)).toMatch(/^Examples\n {2}\S/)
})

test('the completions know every command and every flag', () => {
  for (const shell of shells) {
    const script = completionScript(shell, commands)
    for (const command of commands) {
      for (const word of command.words) expect(script).toContain(word)
      for (const flag of flagsFor(command)) expect(script).toContain(flag.name)
    }
  }
})
