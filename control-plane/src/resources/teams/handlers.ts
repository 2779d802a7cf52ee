/** What the admin API does with teams. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { teams } from '@headgate/admin-contract/teams'
import type { NewTeam, Team, TeamChange } from '@headgate/domain/team'
import type { HandlerContext } from '../context.ts'
import { thingHandlers } from '../things.ts'

export const teamsHandlers: Handlers<typeof teams, HandlerContext> = thingHandlers<Team, NewTeam, TeamChange>(
  { table: 'teams', prefix: 'team' },
)
