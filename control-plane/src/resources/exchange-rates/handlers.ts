/** What the admin API does with exchange rates. Each is named by its currencies and its day. */
import type { exchangeRates } from '@headgate/admin-contract/exchange-rates'
import type { Handlers } from '@headgate/admin-contract/operation'
import { pairDayOf } from '@headgate/domain/exchange-rate'
import { found, type HandlerContext } from '../context.ts'
import {
  deleteExchangeRate,
  listExchangeRates,
  lockExchangeRate,
  putExchangeRate,
  readExchangeRate,
} from './queries.ts'

export const exchangeRatesHandlers: Handlers<typeof exchangeRates, HandlerContext> = {
  list: ({ query }, { db }) => listExchangeRates(db, query),
  read: async ({ params }, { db }) => found(await readExchangeRate(db, placeIn(params))),
  put: async ({ body }, { db, now }) => {
    const before = await lockExchangeRate(db, body)
    const isSame = before?.rateBillionths === body.rateBillionths && before.source === body.source
    if (before !== undefined && isSame) return { changed: false, reply: before }
    const reply = await putExchangeRate(db, { ...body, createdAt: now })
    return { changed: true, reply, subjectId: reply.id, before: before ?? null, after: reply }
  },
  remove: async ({ params }, { db }) => {
    const before = found(await lockExchangeRate(db, placeIn(params)))
    await deleteExchangeRate(db, before)
    return { changed: true, reply: before, subjectId: before.id, before, after: null }
  },
}

function placeIn({ rateId }: { readonly rateId: string }) {
  return found(pairDayOf(rateId) ?? undefined)
}
