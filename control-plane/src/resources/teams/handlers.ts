/** What the admin API does with teams. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { teams } from '@headgate/admin-contract/teams'
import { created, found, type HandlerContext } from '../context.ts'
import { insertTeam, listTeams, readTeam } from './queries.ts'

export const teamsHandlers: Handlers<typeof teams, HandlerContext> = {
  list: ({ query }, { db }) => listTeams(db, query),
  read: async ({ params }, { db }) => found(await readTeam(db, params.teamId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertTeam(db, { ...body, id: newId('team'), createdAt: now })),
}
