/** What the admin API does with archived things: shows them. */
import type { archivedThings } from '@headgate/admin-contract/archived-things'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { ArchivedThing } from '@headgate/domain/archived-thing'
import { listRows } from '../../database/list-rows.ts'
import { found, type HandlerContext } from '../context.ts'
import { readArchivedThing } from './queries.ts'

export const archivedThingsHandlers: Handlers<typeof archivedThings, HandlerContext> = {
  list: ({ query }, { db }) => listRows<ArchivedThing>(db, { table: 'archivedThings' }, query),
  read: async ({ params }, { db }) => found(await readArchivedThing(db, params.thingId)),
}
