/** The SQL of model aliases. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { ModelAlias } from '@headgate/domain/model-alias'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listModelAliases(db: Database, query: PageQuery) {
  let rows = db
    .selectFrom('modelAliases')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)

  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readModelAlias(db: Database, id: string): Promise<ModelAlias | undefined> {
  return db.selectFrom('modelAliases').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertModelAlias(db: Database, alias: ModelAlias): Promise<ModelAlias> {
  return db.insertInto('modelAliases').values(alias).returningAll().executeTakeFirstOrThrow()
}
