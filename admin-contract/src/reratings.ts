/** Re-ratings in the admin API: pricing the calls of a past window again, shown first and then done. */
import { Rerating } from '@headgate/domain/rerating'
import { z } from 'zod'
import { Confirmation } from './list-import.ts'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const reratings = {
  list: operation({
    method: 'GET',
    path: '/reratings',
    right: 'prices.read',
    summary: 'Lists re-ratings, newest first.',
    query: PageQuery,
    reply: pageOf(Rerating),
  }),
  create: operation({
    method: 'POST',
    path: '/reratings',
    right: 'prices.write',
    audit: 'rerating.done',
    changesCatalog: false,
    status: 200,
    summary:
      'Shows what the calls of a past window would cost by the prices of now, and changes nothing. Sent again with `confirm` of the answer it adds the corrections.',
    body: Rerating.pick({ from: true, to: true, reason: true })
      .extend({ confirm: Confirmation.optional() })
      .strict()
      .refine((it) => Date.parse(it.from) < Date.parse(it.to), { path: ['to'], error: 'not after `from`' }),
    reply: z.object({
      applied: z.boolean(),
      confirm: Confirmation,
      /** Null while nothing is done. */
      id: Rerating.shape.id.nullable(),
      effect: Rerating.omit({ id: true, createdAt: true }),
    }),
  }),
  read: operation({
    method: 'GET',
    path: '/reratings/{reratingId}',
    right: 'prices.read',
    summary: 'Reads one re-rating.',
    reply: Rerating,
  }),
}
