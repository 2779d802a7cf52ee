/** Prices in the admin API: integers, in nanos of a currency; lists of them are compared before they are taken over. */
import { MachineName } from '@headgate/domain/name'
import { NewPrice, Price, Provider } from '@headgate/domain/price'
import { PriceDifference, PriceList } from '@headgate/domain/price-list'
import { z } from 'zod'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

/** What a call that shows its effect first answers with, and what makes the second call do it. */
export const Confirmation = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected `confirm` of the answer that showed it')

export const prices = {
  list: operation({
    method: 'GET',
    path: '/prices',
    right: 'prices.read',
    summary: 'Lists prices, newest first; of one model or provider if asked.',
    query: PageQuery.extend({ model: MachineName.optional(), provider: Provider.optional() }),
    reply: pageOf(Price),
  }),
  create: operation({
    method: 'POST',
    path: '/prices',
    right: 'prices.write',
    audit: 'price.created',
    changesCatalog: true,
    status: 201,
    summary: 'Sets the price of a model from a date on. Earlier prices stay for the calls before.',
    body: NewPrice,
    reply: Price,
  }),
  read: operation({
    method: 'GET',
    path: '/prices/{priceId}',
    right: 'prices.read',
    summary: 'Reads one price.',
    reply: Price,
  }),
  takeOver: operation({
    method: 'POST',
    path: '/prices/import',
    right: 'prices.write',
    audit: 'prices.imported',
    changesCatalog: true,
    status: 200,
    summary:
      'Compares a price list, or with `list` null the shipped one, with the prices in force and changes nothing. Sent again with `confirm` of the answer it makes new prices of what differs.',
    body: z.strictObject({
      list: PriceList.nullable(),
      /** From when on; now if it is left out. */
      effectiveFrom: z.iso.datetime({ offset: true }).optional(),
      confirm: Confirmation.optional(),
    }),
    reply: z.object({
      applied: z.boolean(),
      confirm: Confirmation,
      source: z.string(),
      differences: z.array(PriceDifference),
      unchanged: z.int(),
    }),
  }),
}
