/** The SQL of exchange rates. Their ids are made of their columns and are none themselves. */
import type { PageQuery } from '@headgate/admin-contract/page'
import { type ExchangeRate, exchangeRateId, type PairDay } from '@headgate/domain/exchange-rate'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'
import type { Tables } from '../../database/tables.ts'

export type ExchangeRateFilter = { base?: string | undefined; quote?: string | undefined }

type Row = Tables['exchangeRates']

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
    const [day = '', base, quote] = positionAfter(query.cursor, 3)
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw badCursor()
    rows = rows.where(sql<boolean>`(day, base, quote) < (${day}, ${base}, ${quote})`)
  }
  const found = (await rows.execute()).map(named)
  return toPage(found, query.limit, (row) => [row.day, row.base, row.quote])
}

export async function readExchangeRate(db: Database, place: PairDay): Promise<ExchangeRate | undefined> {
  const row = await at(db, place).executeTakeFirst()
  return row && named(row)
}

/** The rate of this pair and day, locked until the transaction ends. */
export async function lockExchangeRate(db: Database, place: PairDay): Promise<ExchangeRate | undefined> {
  const row = await at(db, place).forUpdate().executeTakeFirst()
  return row && named(row)
}

export async function putExchangeRate(db: Database, rate: Row): Promise<ExchangeRate> {
  const { rateBillionths, source, createdAt } = rate
  const row = await db
    .insertInto('exchangeRates')
    .values(rate)
    .onConflict((taken) =>
      taken.columns(['base', 'quote', 'day']).doUpdateSet({ rateBillionths, source, createdAt }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
  return named(row)
}

export async function deleteExchangeRate(db: Database, { base, quote, day }: PairDay): Promise<void> {
  const rows = db.deleteFrom('exchangeRates').where('base', '=', base)
  await rows.where('quote', '=', quote).where('day', '=', day).execute()
}

function at(db: Database, { base, quote, day }: PairDay) {
  const rows = db.selectFrom('exchangeRates').selectAll().where('base', '=', base)
  return rows.where('quote', '=', quote).where('day', '=', day)
}

function named(row: Row): ExchangeRate {
  return { id: exchangeRateId(row), ...row }
}
