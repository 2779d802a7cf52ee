/** The SQL of exchange rates. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { ExchangeRate } from '@headgate/domain/exchange-rate'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { positionAfter, toPage } from '../../database/page.ts'

export type ExchangeRateFilter = { base?: string | undefined; quote?: string | undefined }

export async function listExchangeRates(db: Database, query: PageQuery & ExchangeRateFilter) {
  let rows = db
    .selectFrom('exchangeRates')
    .selectAll()
    .orderBy('day', 'desc')
    .orderBy('base', 'desc')
    .orderBy('quote', 'desc')
    .limit(query.limit + 1)
  if (query.base !== undefined) rows = rows.where('base', '=', query.base)
  if (query.quote !== undefined) rows = rows.where('quote', '=', query.quote)
  if (query.cursor !== undefined) {
    const [day, base, quote] = positionAfter(query.cursor, 3)
    rows = rows.where(sql<boolean>`(day, base, quote) < (${day}, ${base}, ${quote})`)
  }
  return toPage(await rows.execute(), query.limit, (row) => [row.day, row.base, row.quote])
}

/** The rate of this pair and day, locked until the transaction ends. */
export function lockExchangeRate(
  db: Database,
  { base, quote, day }: Pick<ExchangeRate, 'base' | 'quote' | 'day'>,
): Promise<ExchangeRate | undefined> {
  return db
    .selectFrom('exchangeRates')
    .selectAll()
    .where('base', '=', base)
    .where('quote', '=', quote)
    .where('day', '=', day)
    .forUpdate()
    .executeTakeFirst()
}

export function putExchangeRate(db: Database, rate: ExchangeRate): Promise<ExchangeRate> {
  const { rateBillionths, source, createdAt } = rate
  return db
    .insertInto('exchangeRates')
    .values(rate)
    .onConflict((taken) =>
      taken.columns(['base', 'quote', 'day']).doUpdateSet({ rateBillionths, source, createdAt }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}
