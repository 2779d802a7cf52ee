/** The SQL of routes. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Route } from '@headgate/domain/route'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listRoutes(db: Database, query: PageQuery & { aliasId?: string | undefined }) {
  let rows = db
    .selectFrom('routes')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.aliasId !== undefined) rows = rows.where('aliasId', '=', query.aliasId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readRoute(db: Database, id: string): Promise<Route | undefined> {
  return db.selectFrom('routes').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertRoute(db: Database, route: Route): Promise<Route> {
  return db
    .insertInto('routes')
    .values({ ...route, tiers: JSON.stringify(route.tiers) })
    .returningAll()
    .executeTakeFirstOrThrow()
}
