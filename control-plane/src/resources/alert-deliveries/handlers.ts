/** What the admin API does with alert deliveries. A job makes the attempts. */
import type { alertDeliveries } from '@headgate/admin-contract/alert-deliveries'
import type { Handlers } from '@headgate/admin-contract/operation'
import type { AlertDelivery } from '@headgate/domain/alert-delivery'
import { selectDeliveries } from '../../database/alert-deliveries.ts'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'
import { found, type HandlerContext } from '../context.ts'

export const alertDeliveriesHandlers: Handlers<typeof alertDeliveries, HandlerContext> = {
  list: ({ query }, { db }) => {
    const { channelId, eventId, state, ...page } = query
    let rows = selectDeliveries(db)
    if (channelId !== undefined) rows = rows.where('channelId', '=', channelId)
    if (eventId !== undefined) rows = rows.where('eventId', '=', eventId)
    if (state !== undefined) rows = rows.where('state', '=', state)
    return pageById(rows, page)
  },
  read: async ({ params }, { db }) => found(await readDelivery(db, params.deliveryId)),
  retry: async ({ params }, { db, now }) => {
    const { deliveryId: id } = params
    await db.selectFrom('alertDeliveries').select('id').where('id', '=', id).forUpdate().execute()
    const before = found(await readDelivery(db, id))
    await db
      .updateTable('alertDeliveries')
      .set({ state: 'waiting', attempts: 0, nextAttemptAt: now, endedAt: null })
      .where('id', '=', id)
      .execute()
    const after = found(await readDelivery(db, id))
    return { changed: true, reply: after, subjectId: id, before, after }
  },
}

function readDelivery(db: Database, id: string): Promise<AlertDelivery | undefined> {
  return selectDeliveries(db).where('id', '=', id).executeTakeFirst()
}
