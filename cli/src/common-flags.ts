/** The flags that every command takes. */
import type { Flag } from './flags.ts'
import { ownFlag } from './flags.ts'

export const outputs = ['table', 'json', 'ndjson', 'csv', 'yaml'] as const
export type OutputForm = (typeof outputs)[number]

export const commonFlags: readonly Flag[] = [
  {
    ...ownFlag(
      'output',
      'text',
      'How data is written; a table on a terminal and JSON elsewhere if left out.',
      ['o'],
    ),
    choices: outputs,
  },
  ownFlag('json', 'text', 'JSON with these fields alone: id,name,state.'),
  ownFlag('quiet', 'boolean', 'Ids alone, one a line.', ['q']),
  ownFlag('server', 'text', 'Where the admin API is: https://admin.example.com.'),
  ownFlag('profile', 'text', 'Which profile of `headgate login` to use.'),
  ownFlag('help', 'boolean', 'Shows the help of this command.', ['h']),
]
