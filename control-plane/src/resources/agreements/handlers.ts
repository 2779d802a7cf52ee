/** What the admin API does with agreements. */
import type { agreements } from '@headgate/admin-contract/agreements'
import type { Handlers } from '@headgate/admin-contract/operation'
import { created, found, type HandlerContext } from '../context.ts'
import { insertAgreement, listAgreements, readAgreement } from './queries.ts'

export const agreementsHandlers: Handlers<typeof agreements, HandlerContext> = {
  list: ({ query }, { db }) => listAgreements(db, query),
  read: async ({ params }, { db }) => found(await readAgreement(db, params.agreementId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertAgreement(db, { ...body, id: newId('agr'), createdAt: now })),
}
