/** The SQL of users. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { User } from '@headgate/domain/user'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listUsers(db: Database, query: PageQuery & { teamId?: string | undefined }) {
  let rows = db
    .selectFrom('users')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.teamId !== undefined) rows = rows.where('teamId', '=', query.teamId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readUser(db: Database, id: string): Promise<User | undefined> {
  return db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertUser(db: Database, user: User): Promise<User> {
  return db.insertInto('users').values(user).returningAll().executeTakeFirstOrThrow()
}
