/** The SQL of prices. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { Price, Provider } from '@headgate/domain/price'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'

export type PriceFilter = { model?: string | undefined; provider?: Provider | undefined }

export async function listPrices(db: Database, query: PageQuery & PriceFilter) {
  let rows = db.selectFrom('prices').selectAll()
  if (query.model !== undefined) rows = rows.where('model', '=', query.model)
  if (query.provider !== undefined) rows = rows.where('provider', '=', query.provider)
  return pageById(rows, query)
}

export function readPrice(db: Database, id: string): Promise<Price | undefined> {
  return db.selectFrom('prices').selectAll().where('id', '=', id).executeTakeFirst()
}

/** All prices there are for these models, of any provider and date. */
export function readPricesOf(db: Database, models: readonly string[]): Promise<Price[]> {
  return db.selectFrom('prices').selectAll().where('model', 'in', models).execute()
}

export function insertPrice(db: Database, price: Price): Promise<Price> {
  return db.insertInto('prices').values(rowOf(price)).returningAll().executeTakeFirstOrThrow()
}

/** @param prices at least one */
export async function insertPrices(db: Database, prices: readonly Price[]): Promise<void> {
  await db.insertInto('prices').values(prices.map(rowOf)).execute()
}

function rowOf(price: Price) {
  return { ...price, lines: JSON.stringify(price.lines) }
}
