/** The page of commands, from the table that the programme itself runs on. */
import type { Command } from '@headgate/cli/command'
import { allCommands } from '@headgate/cli/commands'
import { commonFlags } from '@headgate/cli/common-flags'
import { endings } from '@headgate/cli/exit-codes'
import type { Flag } from '@headgate/cli/flags'
import { argumentsOf, flagHead, meaningOf, nounsOf } from '@headgate/cli/help'
import { code, pageHead, table } from './markdown.ts'

export function cliPage(): string {
  const commands = allCommands()
  return [
    pageHead('The CLI', '`cli/src/commands.ts` and the table of operations'),
    'How to use it is in the [guide](../guides/cli.md). `headgate help <noun> <verb>` says the same as this page.\n',
    '## Every command takes\n',
    flagTable(commonFlags),
    '## Exit codes\n',
    table(
      ['Code', 'Meaning'],
      endings.map((it) => [String(it.code), it.meaning]),
    ),
    ...nounsOf(commands).map((noun) =>
      nounSection(
        noun,
        commands.filter((it) => it.words[0] === noun),
      ),
    ),
  ].join('\n')
}

function nounSection(noun: string, commands: readonly Command[]): string {
  return [`## ${noun}\n`, ...commands.map(commandSection)].join('\n')
}

function commandSection(command: Command): string {
  const head = `### ${command.words.length > 1 ? command.words.join(' ') : `headgate ${command.words[0]}`}\n`
  const operation = command.kind === 'operation' ? ` Operation ${code(command.operation)}.` : ''
  return [
    head,
    `${command.summary}${operation}\n`,
    ['```', ...command.examples, '```', ''].join('\n'),
    ...(command.positionals.length > 0 ? [`Followed by ${argumentsOf(command).map(code).join(' ')}.\n`] : []),
    ...(command.flags.length > 0 ? [flagTable(command.flags)] : []),
  ].join('\n')
}

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map((it) => [code(flagHead(it)), it.isRequired ? 'yes' : '', meaningOf(it)])
  return table(['Flag', 'Needed', 'Meaning'], rows)
}
