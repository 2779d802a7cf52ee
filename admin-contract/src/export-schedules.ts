/** Export schedules in the admin API: files of usage that are made each day, week or month. */
import { ExportSchedule, ExportScheduleChange, NewExportSchedule } from '@headgate/domain/export-schedule'
import { ExportKind } from '@headgate/domain/usage-export'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const exportSchedules = thingOperations({
  path: '/export-schedules',
  id: 'scheduleId',
  thing: 'export-schedule',
  called: 'an export schedule',
  shape: ExportSchedule,
  create: NewExportSchedule,
  change: ExportScheduleChange,
  sorts: ['created_at', 'name'],
  filters: { kind: ExportKind.optional(), q: NamePart },
  readRight: 'exports.read',
  writeRight: 'exports.write',
  changesCatalog: false,
  notes: {
    create: '`covers` is what `every` is unless said otherwise.',
    change: 'Enabling it again makes up for nothing that was missed meanwhile.',
    remove: 'Exports that it had made stay as long as any.',
  },
})
