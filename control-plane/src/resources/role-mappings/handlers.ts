/** What the admin API does with role mappings. Nobody maps to more than they have themselves. */
import type { Handlers } from '@headgate/admin-contract/operation'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { roleMappings } from '@headgate/admin-contract/role-mappings'
import { rightsOf } from '@headgate/domain/access'
import {
  applying,
  grantsOf,
  type NewRoleMapping,
  type RoleMapping,
  type RoleMappingChange,
} from '@headgate/domain/role-mapping'
import { type HandlerContext, refuseBeyond } from '../context.ts'
import { refuseUnknownTeams } from '../granted-teams.ts'
import { thingHandlers } from '../things.ts'
import { MAPPINGS_MAX, readMappings } from './queries.ts'

const plain = thingHandlers<RoleMapping, NewRoleMapping, RoleMappingChange>({
  table: 'roleMappings',
  prefix: 'rmp',
  check: async ({ role = 'admin', teamIds = null }, context) => {
    refuseBeyond(context, { grants: [{ role, teamIds }], rights: null })
    await refuseUnknownTeams(context.db, teamIds)
  },
})

export const roleMappingsHandlers: Handlers<typeof roleMappings, HandlerContext> = {
  ...plain,
  create: async (call, context) => {
    if ((await readMappings(context.db)).length >= MAPPINGS_MAX)
      throw new AdminProblem('conflict', `There are ${MAPPINGS_MAX} role mappings, which is the most.`)
    return plain.create(call, context)
  },
  explain: async ({ query }, { db }) => {
    const mappings = applying(await readMappings(db), query)
    const grants = grantsOf(mappings)
    return { grants, rights: rightsOf({ grants, rights: null }), mappings }
  },
}
