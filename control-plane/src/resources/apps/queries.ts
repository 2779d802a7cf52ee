/** The SQL of apps. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { App } from '@headgate/domain/app'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listApps(db: Database, query: PageQuery & { teamId?: string | undefined }) {
  let rows = db
    .selectFrom('apps')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.teamId !== undefined) rows = rows.where('teamId', '=', query.teamId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readApp(db: Database, id: string): Promise<App | undefined> {
  return db.selectFrom('apps').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertApp(db: Database, app: App): Promise<App> {
  return db.insertInto('apps').values(app).returningAll().executeTakeFirstOrThrow()
}
