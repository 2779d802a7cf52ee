/** What the admin API does with apps. */
import type { apps } from '@headgate/admin-contract/apps'
import type { Handlers } from '@headgate/admin-contract/operation'
import { created, found, type HandlerContext } from '../context.ts'
import { insertApp, listApps, readApp } from './queries.ts'

export const appsHandlers: Handlers<typeof apps, HandlerContext> = {
  list: ({ query }, { db }) => listApps(db, query),
  read: async ({ params }, { db }) => found(await readApp(db, params.appId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertApp(db, { ...body, id: newId('app'), createdAt: now })),
}
