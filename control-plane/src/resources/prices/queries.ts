/** The SQL of prices. */
import type { Price } from '@headgate/domain/price'
import type { Database } from '../../database/open.ts'

/** All prices there are for these models, of any provider and date. */
export function readPricesOf(db: Database, models: readonly string[]): Promise<Price[]> {
  return db.selectFrom('prices').selectAll().where('model', 'in', models).execute()
}

/** @param prices at least one */
export async function insertPrices(db: Database, prices: readonly Price[]): Promise<void> {
  await db.insertInto('prices').values(prices.map(rowOf)).execute()
}

function rowOf(price: Price) {
  return { ...price, lines: JSON.stringify(price.lines) }
}
