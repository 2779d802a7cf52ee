/** What the admin API does with prices. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { prices } from '@headgate/admin-contract/prices'
import { NewPrice, type Price, type PriceChange } from '@headgate/domain/price'
import type { HandlerContext } from '../context.ts'
import { datedHandlers } from '../dated-things.ts'
import { takeOver } from './import.ts'
import { readPricesOf } from './queries.ts'

export const pricesHandlers: Handlers<typeof prices, HandlerContext> = {
  ...datedHandlers<Price, NewPrice, PriceChange>(
    { table: 'prices', prefix: 'pri', json: ['lines'] },
    {
      called: 'price',
      beside: ['source'],
      shape: NewPrice,
      rivals: async ({ model, provider }, { db }) =>
        (await readPricesOf(db, [model])).filter((it) => it.provider === provider),
    },
  ),
  takeOver,
}
