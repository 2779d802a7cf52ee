/** The SQL of agreements. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Agreement } from '@headgate/domain/agreement'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export type AgreementFilter = { resourceId?: string | undefined; deploymentId?: string | undefined }

export async function listAgreements(db: Database, query: PageQuery & AgreementFilter) {
  let rows = db
    .selectFrom('agreements')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.resourceId !== undefined) rows = rows.where('resourceId', '=', query.resourceId)
  if (query.deploymentId !== undefined) rows = rows.where('deploymentId', '=', query.deploymentId)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readAgreement(db: Database, id: string): Promise<Agreement | undefined> {
  return db.selectFrom('agreements').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertAgreement(db: Database, agreement: Agreement): Promise<Agreement> {
  return db.insertInto('agreements').values(agreement).returningAll().executeTakeFirstOrThrow()
}
