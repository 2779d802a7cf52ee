/** Organisation settings in the admin API: what is chosen while the processes run, what it may be, and who chose it. */
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

const Value = z.union([z.int(), z.string().max(64)]).nullable()

const AllowDeletion = z
  .boolean()
  .meta({ description: 'Whether what is past the new time may be deleted. It does not come back.' })

export const Setting = z.object({
  name: z.string().meta({ description: 'As paths name it: `keep_records_days`.' }),
  /** What holds now. */
  value: Value,
  default: Value,
  unit: z.string(),
  meaning: z.string(),
  /** Null for what is no number. */
  bounds: z.object({ min: z.int(), max: z.int() }).nullable(),
  /** Where the value is from. */
  source: z.enum(['default', 'stored', 'environment']),
  /** What fixes it in the environment, so that it cannot be changed here; null where nothing does. */
  fixedBy: z.string().nullable(),
  /** Null while it was not changed here, or was set back. */
  changedBy: z.string().nullable(),
  changedAt: z.iso.datetime({ offset: true }).nullable(),
})
export type Setting = z.infer<typeof Setting>

const one = '/settings/{name}'

export const settings = {
  list: operation({
    method: 'GET',
    path: '/settings',
    right: 'settings.read',
    summary: 'Lists the settings of the organisation with their bounds, and where each value is from.',
    query: PageQuery,
    reply: pageOf(Setting),
  }),
  read: operation({
    method: 'GET',
    path: one,
    right: 'settings.read',
    summary: 'Reads one setting.',
    reply: Setting,
  }),
  change: operation({
    method: 'PATCH',
    path: one,
    right: 'settings.write',
    audit: 'setting.changed',
    changesCatalog: false,
    status: 200,
    summary:
      'Chooses the value of a setting. It takes effect without a restart; one that the environment fixes is refused. What is kept for a shorter time than before is deleted within minutes, so while there is anything to delete it is refused with how much that is, unless `allow_deletion` is true.',
    body: z.strictObject({ value: Value, allowDeletion: AllowDeletion }).partial(),
    reply: Setting,
  }),
  reset: operation({
    method: 'DELETE',
    path: one,
    right: 'settings.write',
    audit: 'setting.reset',
    changesCatalog: false,
    status: 200,
    summary:
      'Sets a setting back to its default; refused where that would delete something, which is for a change to allow.',
    reply: Setting,
  }),
}
