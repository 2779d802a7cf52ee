/** Teams in the admin API. */
import { NewTeam, Team, TeamChange } from '@headgate/domain/team'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

export const teams = thingOperations({
  path: '/teams',
  id: 'teamId',
  thing: 'team',
  called: 'a team',
  shape: Team,
  create: NewTeam,
  change: TeamChange,
  sorts: ['created_at', 'name'],
  filters: { q: NamePart },
  readRight: 'teams.read',
  writeRight: 'teams.write',
  changesCatalog: true,
  notes: { create: 'Names are unique.' },
})
