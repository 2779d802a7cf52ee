/**
 * Access is what somebody may do: roles, each for some teams or for the whole organisation. What is held for teams
 * never passes for what is held for all. A credential may narrow it further to a few rights.
 */
import { z } from 'zod'
import { Right, rightRow } from './right.ts'
import { Role } from './role.ts'
import { TeamId } from './team.ts'

/** Which teams a role is for; null is the whole organisation. */
export const GrantedTeams = z
  .array(TeamId)
  .min(1)
  .max(100)
  .transform((ids) => [...new Set(ids)].sort())
  .nullable()

export const Grant = z.object({ role: Role, teamIds: z.array(TeamId).nullable() })
export type Grant = z.infer<typeof Grant>

export type Access = {
  readonly grants: readonly Grant[]
  /** When not null, these rights of the roles and no others. */
  readonly rights: readonly Right[] | null
}

/** Where a right holds: everywhere, in these teams (at least one), or nowhere. */
export type Reach = 'everywhere' | readonly string[] | 'nowhere'

/** Where a right holds for somebody. */
export function reachOf({ grants, rights }: Access, right: Right): Reach {
  if (rights !== null && !rights.includes(right)) return 'nowhere'
  const { roles, reach } = rightRow(right)
  const having = grants.filter((it) => roles.includes(it.role))
  if (having.some((it) => it.teamIds === null)) return 'everywhere'
  const teamIds = [...new Set(having.flatMap((it) => it.teamIds ?? []))].sort()
  return reach === 'organisation' || teamIds.length === 0 ? 'nowhere' : teamIds
}

/** The rights that somebody has who would have `wanted` and not what `held` gives; empty when none is beyond it. */
export function beyond(held: Access, wanted: Access): Right[] {
  return Right.options.filter((right) => {
    const [has, asks] = [reachOf(held, right), reachOf(wanted, right)]
    if (asks === 'nowhere' || has === 'everywhere') return false
    return asks === 'everywhere' || has === 'nowhere' || asks.some((id) => !has.includes(id))
  })
}

/** All rights that hold somewhere, each with its reach. */
export function rightsOf(access: Access): { right: Right; teamIds: string[] | null }[] {
  return Right.options.flatMap((right) => {
    const reach = reachOf(access, right)
    if (reach === 'nowhere') return []
    return [{ right, teamIds: reach === 'everywhere' ? null : [...reach] }]
  })
}

/** The names of the roles, as audit events tell them. */
export function rolesOf({ grants }: Access): string {
  return [...new Set(grants.map((it) => it.role))].sort().join(' ')
}
