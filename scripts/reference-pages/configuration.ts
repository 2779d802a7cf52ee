/** The page of settings, from the one table all processes share. */
import { renameKey } from '@headgate/admin-contract/wire'
import {
  boundsOf,
  organisationSetting,
  organisationSettingNames,
} from '@headgate/domain/organisation-setting'
import { type SettingReader, settings } from '@headgate/domain/setting'
import { code, pageHead, table } from './markdown.ts'

const commandOf: Record<SettingReader, string> = {
  'data-plane': 'node data-plane/src/main.ts',
  'control-plane': 'node control-plane/src/main.ts',
  standalone: 'npm start',
  cli: 'npx headgate',
}

export function configurationPage(): string {
  const rows = settings.map((it) => [
    code(it.name),
    it.default === null ? '' : code(it.default),
    it.readBy.join(', '),
    it.secret ? 'yes' : '',
    it.meaning,
  ])
  return [
    pageHead('Configuration', '`domain/src/setting.ts`'),
    'Settings are environment variables. A process reads them once, when it starts, and reports all faults',
    'together: the name, what is wrong, what to write. A name that begins with `HEADGATE_` and is not in this',
    'table is reported as well. An empty value counts as none.\n',
    table(['Setting', 'Default', 'Read by', 'Secret', 'Meaning'], rows),
    '"Read by" names the processes:\n',
    table(
      ['Process', 'Started by'],
      Object.entries(commandOf).map(([reader, command]) => [reader, code(command)]),
    ),
    'Credentials of providers are no settings. A resource names them by reference (`env://OPENAI_API_KEY`), and',
    'the process that runs the data plane needs that variable. See [upstreams](../guides/upstreams.md).',
    '',
    '## Settings of the organisation\n',
    'These are chosen while the processes run, through the [admin API](admin-api.md) or `headgate settings`, and hold',
    'without a restart. What the environment fixes cannot be chosen. See [settings](../guides/settings.md). From',
    '`domain/src/organisation-setting.ts`.\n',
    organisationTable(),
  ].join('\n')
}

function organisationTable(): string {
  const rows = organisationSettingNames.flatMap((name) => {
    const it = organisationSetting(name)
    if (it === null) return []
    const bounds = boundsOf(it)
    return [
      [
        code(renameKey(name)),
        code(String(it.byDefault)),
        bounds === null ? it.unit : `${it.unit}, ${bounds.min} to ${bounds.max}`,
        it.fixedBy === null ? '' : code(it.fixedBy),
        it.meaning,
      ],
    ]
  })
  return table(['Setting', 'Default', 'Unit', 'Fixed by', 'Meaning'], rows)
}
