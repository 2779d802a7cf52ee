/** What the admin API does with users. */

import type { Handlers } from '@headgate/admin-contract/operation'
import type { users } from '@headgate/admin-contract/users'
import { created, found, type HandlerContext } from '../context.ts'
import { insertUser, listUsers, readUser } from './queries.ts'

export const usersHandlers: Handlers<typeof users, HandlerContext> = {
  list: ({ query }, { db }) => listUsers(db, query),
  read: async ({ params }, { db }) => found(await readUser(db, params.userId)),
  create: async ({ body }, { db, newId, now }) =>
    created(await insertUser(db, { ...body, id: newId('usr'), createdAt: now })),
}
