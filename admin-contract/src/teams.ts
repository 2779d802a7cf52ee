/** Teams in the admin API. */
import { NewTeam, Team } from '@headgate/domain/team'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const teams = {
  list: operation({
    method: 'GET',
    path: '/teams',
    role: 'viewer',
    summary: 'Lists teams, newest first.',
    query: PageQuery,
    reply: pageOf(Team),
  }),
  create: operation({
    method: 'POST',
    path: '/teams',
    role: 'admin',
    audit: 'team.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates a team. Names are unique.',
    body: NewTeam,
    reply: Team,
  }),
  read: operation({
    method: 'GET',
    path: '/teams/{teamId}',
    role: 'viewer',
    summary: 'Reads one team.',
    reply: Team,
  }),
}
