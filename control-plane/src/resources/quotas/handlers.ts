/** What the admin API does with quotas. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { quotas } from '@headgate/admin-contract/quotas'
import { created, found, type HandlerContext } from '../context.ts'
import { insertQuota, listQuotas, readQuota } from './queries.ts'

export const quotasHandlers: Handlers<typeof quotas, HandlerContext> = {
  list: ({ query }, { db }) => listQuotas(db, query),
  read: async ({ params }, { db }) => found(await readQuota(db, params.quotaId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertQuota(db, { ...body, id: newId('quo'), createdAt: now })),
}
