/** What the admin API does with alert channels. Where one leads is judged here and again whenever it is used. */
import type { alertChannels } from '@headgate/admin-contract/alert-channels'
import type { Handlers } from '@headgate/admin-contract/operation'
import {
  type AlertChannel,
  type AlertChannelChange,
  isLoopbackReceiver,
  type NewAlertChannel,
} from '@headgate/domain/alert-channel'
import { literalIsAllowed } from '../../alerts/receiver-guard.ts'
import { insertDeliveries, selectDeliveries } from '../../database/alert-deliveries.ts'
import type { Database } from '../../database/open.ts'
import { writeOutbox } from '../../database/outbox.ts'
import { created, fieldFault, found, type HandlerContext } from '../context.ts'
import { refuseUnknownSecret } from '../secret-refs.ts'
import { thingHandlers } from '../things.ts'
import { missingIds } from './queries.ts'

const things = thingHandlers<AlertChannel, NewAlertChannel, AlertChannelChange>({
  table: 'alertChannels',
  prefix: 'chn',
  check: async ({ url, secretRef, teamIds, budgetIds }, context) => {
    const { db, receiverGuard, allowLoopbackUpstreams } = context
    if (secretRef !== undefined) await refuseUnknownSecret(secretRef, db)
    if (typeof url === 'string') {
      const isAllowed = isLoopbackReceiver(url)
        ? allowLoopbackUpstreams
        : literalIsAllowed(receiverGuard, new URL(url).hostname)
      if (!isAllowed) throw addressRefused()
    }
    await refuseUnknown(db, { teams: teamIds, budgets: budgetIds })
  },
})

export const alertChannelsHandlers: Handlers<typeof alertChannels, HandlerContext> = {
  ...things,
  test: async ({ params }, { db, newId, now }) => {
    const { id: channelId, name: channelName } = found(
      await db
        .selectFrom('alertChannels')
        .select(['id', 'name'])
        .where('id', '=', params.channelId)
        .executeTakeFirst(),
    )
    const [id, eventId] = [newId('dlv'), newId('evt')]
    await writeOutbox(db, [{ id: eventId, type: 'alert.test', at: now, data: { channelId, channelName } }])
    await insertDeliveries(db, [{ id, channelId, eventId, createdAt: now }])
    return created(await selectDeliveries(db).where('id', '=', id).executeTakeFirstOrThrow())
  },
}

function addressRefused() {
  return fieldFault('/url', {
    code: 'address_refused',
    message: 'alerts may not be sent to this address',
    fix: 'Send an address that is public, or have its network named in HEADGATE_ALERT_NETWORKS.',
  })
}

/** @throws AdminProblem for the first team or budget that does not exist */
async function refuseUnknown(
  db: Database,
  ids: { readonly [T in 'teams' | 'budgets']: readonly string[] | null | undefined },
): Promise<void> {
  for (const table of ['teams', 'budgets'] as const) {
    const missing = await missingIds(db, table, ids[table] ?? [])
    const [first] = missing
    if (first === undefined) continue
    const field = table === 'teams' ? 'team_ids' : 'budget_ids'
    throw fieldFault(`/${field}/${ids[table]?.indexOf(first)}`, {
      ...{ code: 'unknown_reference', message: `there is no ${table.slice(0, -1)} with this id` },
      fix: 'Send the id of one that exists.',
    })
  }
}
