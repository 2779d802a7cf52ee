/** Prices in the admin API: integers, in nanos of a currency per million tokens. */
import { MachineName } from '@headgate/domain/name'
import { NewPrice, Price } from '@headgate/domain/price'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const prices = {
  list: operation({
    method: 'GET',
    path: '/prices',
    role: 'viewer',
    summary: 'Lists prices, newest first; of one model if asked.',
    query: PageQuery.extend({ model: MachineName.optional() }),
    reply: pageOf(Price),
  }),
  create: operation({
    method: 'POST',
    path: '/prices',
    role: 'admin',
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
    role: 'viewer',
    summary: 'Reads one price.',
    reply: Price,
  }),
}
