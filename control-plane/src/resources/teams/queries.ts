/** The SQL of teams. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Team } from '@headgate/domain/team'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listTeams(db: Database, query: PageQuery) {
  let rows = db
    .selectFrom('teams')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)

  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readTeam(db: Database, id: string): Promise<Team | undefined> {
  return db.selectFrom('teams').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertTeam(db: Database, team: Team): Promise<Team> {
  return db.insertInto('teams').values(team).returningAll().executeTakeFirstOrThrow()
}
