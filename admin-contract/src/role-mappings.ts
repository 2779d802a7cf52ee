/** Role mappings in the admin API: which app roles and groups of the directory give which role here. */
import { Grant } from '@headgate/domain/access'
import { Right } from '@headgate/domain/right'
import { Role } from '@headgate/domain/role'
import {
  Claims,
  MappedClaim,
  NewRoleMapping,
  RoleMapping,
  RoleMappingChange,
} from '@headgate/domain/role-mapping'
import { TeamId } from '@headgate/domain/team'
import { z } from 'zod'
import { operation } from './operation.ts'
import { thingOperations } from './thing.ts'

/** A right and where it holds; null is everywhere. */
export const HeldRight = z.object({ right: Right, teamIds: z.array(TeamId).nullable() })

const EffectiveAccess = z.object({
  grants: z.array(Grant),
  rights: z.array(HeldRight),
  /** The mappings that gave the grants. */
  mappings: z.array(RoleMapping),
})

export const roleMappings = {
  ...thingOperations({
    path: '/role-mappings',
    id: 'mappingId',
    thing: 'role-mapping',
    called: 'a role mapping',
    shape: RoleMapping,
    create: NewRoleMapping,
    change: RoleMappingChange,
    sorts: ['created_at', 'value'],
    filters: { claim: MappedClaim.optional(), value: z.string().max(120).optional(), role: Role.optional() },
    readRight: 'access.read',
    writeRight: 'access.write',
    changesCatalog: false,
    notes: {
      create: 'It holds from the next request on, for those who are signed in too.',
      remove: 'Whoever it gave a role loses it with the next request.',
    },
  }),
  explain: operation({
    method: 'GET',
    path: '/effective-access',
    right: 'access.read',
    summary: 'Says what somebody with these app roles and groups may do, and which mappings give it.',
    query: z.strictObject({
      roles: listOf('Values of app roles, separated by commas.'),
      groups: listOf('Object ids of groups, separated by commas.'),
    }),
    reply: EffectiveAccess,
  }),
}

function listOf(description: string) {
  return z
    .string()
    .max(8_000)
    .default('')
    .transform((text) => text.split(',').filter((it) => it !== ''))
    .pipe(Claims.shape.roles)
    .meta({ description })
}
