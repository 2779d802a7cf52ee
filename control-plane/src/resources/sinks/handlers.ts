/** What the admin API tells of sinks. A job feeds them; which there are is a matter of the settings. */
import type { Handlers } from '@headgate/admin-contract/operation'
import type { sinks } from '@headgate/admin-contract/sinks'
import { pageById } from '../../database/page.ts'
import { selectSinks, sinkOf } from '../../database/usage-sinks.ts'
import { found, type HandlerContext } from '../context.ts'

export const sinksHandlers: Handlers<typeof sinks, HandlerContext> = {
  list: async ({ query }, { db }) => {
    const { data, page } = await pageById(selectSinks(db), query)
    return { data: data.map(sinkOf), page }
  },
  read: async ({ params }, { db }) => {
    const row = await selectSinks(db).where('id', '=', params.sinkId).executeTakeFirst()
    return sinkOf(found(row))
  },
}
