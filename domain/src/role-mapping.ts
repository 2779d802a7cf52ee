/**
 * A role mapping turns what a directory says of a person (an app role or a group) into a role here, for some teams or
 * for all. Somebody to whom no mapping applies may do nothing.
 */
import { z } from 'zod'
import { type Grant, GrantedTeams } from './access.ts'
import { idOf } from './id.ts'
import { Role } from './role.ts'

/** Which claim of a token is looked at. */
export const MappedClaim = z.enum(['roles', 'groups'])

export const RoleMapping = z.object({
  id: idOf('rmp'),
  claim: MappedClaim,
  /** The value of an app role, or the object id of a group. */
  value: z
    .string()
    .regex(/^[\x21-\x7e]{1,120}$/, 'expected the value of an app role or the object id of a group'),
  role: Role,
  teamIds: GrantedTeams,
  createdAt: z.iso.datetime({ offset: true }),
})
export type RoleMapping = z.infer<typeof RoleMapping>

export const NewRoleMapping = RoleMapping.pick({ claim: true, value: true, role: true })
  .extend({ teamIds: GrantedTeams.default(null) })
  .strict()
export type NewRoleMapping = z.infer<typeof NewRoleMapping>

export const RoleMappingChange = RoleMapping.pick({ value: true, role: true, teamIds: true })
  .partial()
  .strict()
export type RoleMappingChange = z.infer<typeof RoleMappingChange>

/** What a directory says of a person. */
export const Claims = z.object({ roles: z.array(z.string()), groups: z.array(z.string()) })
export type Claims = z.infer<typeof Claims>

/** The mappings that apply to these claims. */
export function applying(mappings: readonly RoleMapping[], claims: Claims): RoleMapping[] {
  return mappings.filter((it) => claims[it.claim].includes(it.value))
}

/** What they grant together. */
export function grantsOf(mappings: readonly RoleMapping[]): Grant[] {
  return mappings.map(({ role, teamIds }) => ({ role, teamIds }))
}
