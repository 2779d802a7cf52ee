/** Organisation settings in the file: those that were chosen. All are always there, so none is created or removed. */
import { z } from 'zod'
import { kind } from './entry-fields.ts'
import type { Kind } from './kind.ts'
import type { SettingEntry } from './shape.ts'

export const settingKind: Kind = kind<z.output<typeof SettingEntry>>({
  ...{
    section: 'settings',
    word: 'settings',
    called: 'setting',
    created: z.strictObject({ value: z.unknown() }),
  },
  operations: { create: 'settings.change', remove: 'settings.reset' },
  isGiven: ({ source }) => source !== 'stored',
  identity: ({ name }) => [name],
  title: ({ name }) => name,
  entryOf: ({ name, value }) => ({ name, value }) as z.output<typeof SettingEntry>,
  bodyOf: ({ value }) => ({ value }),
})
