/** The teams that a role is given for must exist, or a typing error would give it for none. */
import type { Database } from '../database/open.ts'
import { fieldFault } from './context.ts'

/** @throws AdminProblem that points to the first id that is no team's; null is all teams */
export async function refuseUnknownTeams(db: Database, teamIds: readonly string[] | null): Promise<void> {
  if (teamIds === null) return
  const known = await db.selectFrom('teams').select('id').where('id', 'in', teamIds).execute()
  const ids = new Set(known.map((team) => team.id))
  const index = teamIds.findIndex((id) => !ids.has(id))
  if (index < 0) return
  throw fieldFault(`/team_ids/${index}`, {
    code: 'unknown_reference',
    message: 'there is no team with this id',
    fix: 'Send the ids of teams that exist.',
  })
}
