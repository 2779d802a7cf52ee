/** What the admin API does with deployments. */
import type { deployments } from '@headgate/admin-contract/deployments'
import type { Handlers } from '@headgate/admin-contract/operation'
import { created, found, type HandlerContext } from '../context.ts'
import { insertDeployment, listDeployments, readDeployment } from './queries.ts'

export const deploymentsHandlers: Handlers<typeof deployments, HandlerContext> = {
  list: ({ query }, { db }) => listDeployments(db, query),
  read: async ({ params }, { db }) => found(await readDeployment(db, params.deploymentId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertDeployment(db, { ...body, id: newId('dep'), createdAt: now })),
}
