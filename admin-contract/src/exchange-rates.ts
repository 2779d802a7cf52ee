/** Exchange rates in the admin API: one a day for a pair of currencies, written down by somebody. */
import { ExchangeRate, NewExchangeRate } from '@headgate/domain/exchange-rate'
import { Currency } from '@headgate/domain/price'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const exchangeRates = {
  list: operation({
    method: 'GET',
    path: '/exchange-rates',
    right: 'prices.read',
    summary: 'Lists exchange rates, latest day first; of one base or quote currency if asked.',
    query: PageQuery.extend({ base: Currency.optional(), quote: Currency.optional() }),
    reply: pageOf(ExchangeRate),
  }),
  read: operation({
    method: 'GET',
    path: '/exchange-rates/{rateId}',
    right: 'prices.read',
    summary: 'Reads one exchange rate, by its currencies and its day: `EUR-USD-2026-11-24`.',
    reply: ExchangeRate,
  }),
  put: operation({
    method: 'PUT',
    path: '/exchange-rates',
    right: 'prices.write',
    audit: 'exchange-rate.put',
    changesCatalog: false,
    status: 200,
    summary: 'Writes down the rate of a pair of currencies on a day, in place of one that is there.',
    body: NewExchangeRate,
    reply: ExchangeRate,
  }),
  remove: operation({
    method: 'DELETE',
    path: '/exchange-rates/{rateId}',
    right: 'prices.write',
    audit: 'exchange-rate.removed',
    changesCatalog: false,
    status: 200,
    summary:
      'Removes an exchange rate. Costs of its day are shown by the last rate before it from then on; they are kept in the currency of their price.',
    reply: ExchangeRate,
  }),
}
