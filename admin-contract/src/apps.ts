/** Apps in the admin API. */
import { App, NewApp } from '@headgate/domain/app'
import { TeamId } from '@headgate/domain/team'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const apps = {
  list: operation({
    method: 'GET',
    path: '/apps',
    role: 'viewer',
    summary: 'Lists apps, newest first; of one team if asked.',
    query: PageQuery.extend({ teamId: TeamId.optional() }),
    reply: pageOf(App),
  }),
  create: operation({
    method: 'POST',
    path: '/apps',
    role: 'operator',
    audit: 'app.created',
    changesCatalog: true,
    status: 201,
    summary: 'Creates an app of a team. Names are unique within the team.',
    body: NewApp,
    reply: App,
  }),
  read: operation({
    method: 'GET',
    path: '/apps/{appId}',
    role: 'viewer',
    summary: 'Reads one app.',
    reply: App,
  }),
}
