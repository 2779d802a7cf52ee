/** What the admin API does with exchange rates. */
import type { exchangeRates } from '@headgate/admin-contract/exchange-rates'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { HandlerContext } from '../context.ts'
import { listExchangeRates, lockExchangeRate, putExchangeRate } from './queries.ts'

export const exchangeRatesHandlers: Handlers<typeof exchangeRates, HandlerContext> = {
  list: ({ query }, { db }) => listExchangeRates(db, query),
  put: async ({ body }, { db, now }) => {
    const before = await lockExchangeRate(db, body)
    const isSame = before?.rateBillionths === body.rateBillionths && before.source === body.source
    if (before !== undefined && isSame) return { changed: false, reply: before }
    const reply = await putExchangeRate(db, { ...body, createdAt: now })
    const subjectId = `${reply.base}-${reply.quote}-${reply.day}`
    return { changed: true, reply, subjectId, before: before ?? null, after: reply }
  },
}
