/** The SQL of prices. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Price } from '@headgate/domain/price'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

export async function listPrices(db: Database, query: PageQuery & { model?: string | undefined }) {
  let rows = db
    .selectFrom('prices')
    .selectAll()
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  if (query.model !== undefined) rows = rows.where('model', '=', query.model)
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readPrice(db: Database, id: string): Promise<Price | undefined> {
  return db.selectFrom('prices').selectAll().where('id', '=', id).executeTakeFirst()
}

export function insertPrice(db: Database, price: Price): Promise<Price> {
  return db.insertInto('prices').values(price).returningAll().executeTakeFirstOrThrow()
}
