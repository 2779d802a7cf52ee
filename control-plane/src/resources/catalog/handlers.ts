/** What the admin API does with the catalog: says which version is in force. Every change makes the next. */
import type { catalog } from '@headgate/admin-contract/catalog'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { HandlerContext } from '../context.ts'
import { readCatalogStamp } from './queries.ts'

const none = { version: 0, compiledAt: null, author: null, message: null, checksum: null }

export const catalogHandlers: Handlers<typeof catalog, HandlerContext> = {
  read: async (_, { db }) => (await readCatalogStamp(db)) ?? none,
}
