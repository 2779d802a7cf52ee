/** What the admin API does with model aliases. */
import type { modelAliases } from '@headgate/admin-contract/model-aliases'
import type { Handlers } from '@headgate/admin-contract/operation'
import { created, found, type HandlerContext } from '../context.ts'
import { insertModelAlias, listModelAliases, readModelAlias } from './queries.ts'

export const modelAliasesHandlers: Handlers<typeof modelAliases, HandlerContext> = {
  list: ({ query }, { db }) => listModelAliases(db, query),
  read: async ({ params }, { db }) => found(await readModelAlias(db, params.aliasId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertModelAlias(db, { ...body, id: newId('ali'), createdAt: now })),
}
