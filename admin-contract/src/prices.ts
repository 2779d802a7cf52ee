/** Prices in the admin API: integers, in nanos of a currency; lists of them are compared before they are taken over. */
import { MachineName } from '@headgate/domain/name'
import { NewPrice, Price, PriceChange, Provider } from '@headgate/domain/price'
import { KeptPrice, PriceDifference, PriceList } from '@headgate/domain/price-list'
import { z } from 'zod'
import { listImportBody, listImportReply } from './list-import.ts'
import { operation } from './operation.ts'
import { thingOperations } from './thing.ts'

const plain = thingOperations({
  path: '/prices',
  id: 'priceId',
  thing: 'price',
  called: 'a price',
  shape: Price,
  create: NewPrice,
  change: PriceChange,
  sorts: ['created_at', 'effective_from', 'model'],
  filters: { model: MachineName.optional(), provider: Provider.optional() },
  readRight: 'prices.read',
  writeRight: 'prices.write',
  changesCatalog: true,
  notes: {
    create: 'It holds from a date on; earlier prices stay for the calls before.',
    change:
      'Of one that is in force only its end and its source: `effective_to` closes it at an instant to come, null opens it again.',
    remove: 'Only one that never came into force; any other is closed.',
  },
})

export const prices = {
  ...plain,
  takeOver: operation({
    method: 'POST',
    path: '/prices/import',
    right: 'prices.write',
    audit: 'prices.imported',
    changesCatalog: true,
    status: 200,
    summary:
      'Compares a price list, or with `list` null the shipped one, with the prices in force and changes nothing. Sent again with `confirm` of the answer it makes new prices of what differs. Prices of your own with an end that hold then are `kept`, and what the list says in their place is left out.',
    body: listImportBody(PriceList, {
      /** From when on; now if it is left out. */
      effectiveFrom: z.iso.datetime({ offset: true }).optional(),
    }),
    reply: listImportReply(PriceDifference).extend({ kept: z.array(KeptPrice) }),
  }),
}
