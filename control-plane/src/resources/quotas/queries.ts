/** The SQL of quotas. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Quota } from '@headgate/domain/resource'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listQuotas(db: Database, query: PageQuery & { resourceId?: string | undefined }) {
  let rows = db
    .selectFrom('quotas')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.resourceId !== undefined) rows = rows.where('resourceId', '=', query.resourceId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readQuota(db: Database, id: string): Promise<Quota | undefined> {
  return db.selectFrom('quotas').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertQuota(db: Database, quota: Quota): Promise<Quota> {
  return db.insertInto('quotas').values(quota).returningAll().executeTakeFirstOrThrow()
}
