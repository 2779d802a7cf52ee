/** The SQL of deployments. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Deployment } from '@headgate/domain/deployment'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listDeployments(db: Database, query: PageQuery & { resourceId?: string | undefined }) {
  let rows = db
    .selectFrom('deployments')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.resourceId !== undefined) rows = rows.where('resourceId', '=', query.resourceId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readDeployment(db: Database, id: string): Promise<Deployment | undefined> {
  return db.selectFrom('deployments').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertDeployment(db: Database, deployment: Deployment): Promise<Deployment> {
  return db.insertInto('deployments').values(deployment).returningAll().executeTakeFirstOrThrow()
}
