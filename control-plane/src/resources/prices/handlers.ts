/** What the admin API does with prices. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { prices } from '@headgate/admin-contract/prices'
import { created, found, type HandlerContext } from '../context.ts'
import { takeOver } from './import.ts'
import { insertPrice, listPrices, readPrice } from './queries.ts'

export const pricesHandlers: Handlers<typeof prices, HandlerContext> = {
  list: ({ query }, { db }) => listPrices(db, query),
  read: async ({ params }, { db }) => found(await readPrice(db, params.priceId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertPrice(db, { ...body, id: newId('pri'), createdAt: now })),
  takeOver,
}
