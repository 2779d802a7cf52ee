/** What the admin API does with routes. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { routes } from '@headgate/admin-contract/routes'
import { created, found, type HandlerContext } from '../context.ts'
import { insertRoute, listRoutes, readRoute } from './queries.ts'

export const routesHandlers: Handlers<typeof routes, HandlerContext> = {
  list: ({ query }, { db }) => listRoutes(db, query),
  read: async ({ params }, { db }) => found(await readRoute(db, params.routeId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertRoute(db, { ...body, id: newId('rte'), createdAt: now })),
}
