/**
 * A right is leave to do one kind of thing in the admin API, as `thing.verb`. One table says which roles have it
 * and how far it reaches: a right that reaches to teams can be held for some teams only, any other by those alone
 * whose role is for the whole organisation.
 */
import { z } from 'zod'
import type { Role } from './role.ts'

type Row = { readonly roles: readonly Role[]; readonly reach: 'team' | 'organisation' }

const all: readonly Role[] = ['viewer', 'operator', 'finance', 'security', 'admin']
const inTeams = (...roles: Role[]): Row => ({ roles, reach: 'team' })
const overall = (...roles: Role[]): Row => ({ roles, reach: 'organisation' })

const table = {
  'teams.read': inTeams(...all),
  'teams.write': overall('admin'),
  'apps.read': inTeams(...all),
  'apps.write': inTeams('operator', 'admin'),
  'users.read': inTeams('security', 'admin'),
  'users.write': inTeams('admin'),
  'keys.read': inTeams(...all),
  'keys.write': inTeams('operator', 'admin'),
  'keys.revoke': inTeams('operator', 'security', 'admin'),
  'limits.read': inTeams(...all),
  'limits.write': inTeams('operator', 'admin'),
  'budgets.read': inTeams(...all),
  'budgets.write': inTeams('finance', 'admin'),
  'alerts.read': overall(...all),
  'alerts.write': overall('finance', 'admin'),
  'policies.read': inTeams(...all),
  'policies.write': overall('security', 'admin'),
  'upstreams.read': overall(...all),
  'upstreams.write': overall('admin'),
  'prices.read': overall(...all),
  'prices.write': overall('finance', 'admin'),
  'usage.read': inTeams(...all),
  'usage.check': overall(...all),
  'sinks.read': overall(...all),
  'sinks.write': overall('operator', 'admin'),
  'exports.read': inTeams(...all),
  'exports.write': inTeams('operator', 'finance', 'admin'),
  'drafts.read': overall(...all),
  'drafts.write': overall('operator', 'finance', 'security', 'admin'),
  'settings.read': overall(...all),
  'settings.write': overall('admin'),
  'catalog.read': overall(...all),
  'catalog.restore': overall('admin'),
  'audit.read': overall('security', 'admin'),
  'audit.anchor': overall('security', 'admin'),
  'secrets.read': overall('operator', 'security', 'admin'),
  'secrets.write': overall('admin'),
  'secrets.find': overall('security', 'admin'),
  'access.read': overall('security', 'admin'),
  'access.write': overall('admin'),
  'sessions.read': overall('security', 'admin'),
  'sessions.end': overall('security', 'admin'),
  'tokens.read': inTeams('operator', 'finance', 'security', 'admin'),
  'tokens.write': inTeams('operator', 'finance', 'admin'),
  'tokens.revoke': inTeams('operator', 'finance', 'security', 'admin'),
} as const satisfies Record<`${string}.${string}`, Row>

export type Right = keyof typeof table

export const Right = z.enum(Object.keys(table) as [Right, ...Right[]])

/** Who has a right, and how far it reaches. */
export function rightRow(right: Right): Row {
  return table[right]
}
