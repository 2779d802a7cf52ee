/** Apps in the admin API. */
import { App, AppChange, NewApp } from '@headgate/domain/app'
import { TeamId } from '@headgate/domain/team'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const apps = thingOperations({
  path: '/apps',
  id: 'appId',
  thing: 'app',
  called: 'an app',
  shape: App,
  create: NewApp,
  change: AppChange,
  sorts: ['created_at', 'name'],
  filters: { teamId: TeamId.optional(), q: NamePart },
  readRight: 'apps.read',
  writeRight: 'apps.write',
  changesCatalog: true,
  notes: { create: 'Names are unique within the team.' },
})
