/** Alert channels in the admin API: where people are told of events, and of which budgets. */
import {
  AlertChannel,
  AlertChannelChange,
  AlertChannelKind,
  NewAlertChannel,
} from '@headgate/domain/alert-channel'
import { AlertDelivery } from '@headgate/domain/alert-delivery'
import { operation } from './operation.ts'
import { NamePart } from './page.ts'
import { thingOperations } from './thing.ts'

const things = thingOperations({
  path: '/alert-channels',
  id: 'channelId',
  thing: 'alert-channel',
  called: 'an alert channel',
  shape: AlertChannel,
  create: NewAlertChannel,
  change: AlertChannelChange,
  sorts: ['created_at', 'name'],
  filters: { kind: AlertChannelKind.optional(), q: NamePart },
  readRight: 'alerts.read',
  writeRight: 'alerts.write',
  changesCatalog: false,
  notes: {
    create: 'It is told of what happens from now on.',
    change: 'Deliveries that wait go where it leads then.',
    remove: 'Its deliveries are removed with it.',
  },
})

export const alertChannels = {
  ...things,
  test: operation({
    method: 'POST',
    path: '/alert-channels/{channelId}/tests',
    right: 'alerts.write',
    audit: 'alert-channel.tested',
    changesCatalog: false,
    status: 201,
    summary:
      'Sends a test. Answers with its delivery, which shows what the receiver answered a moment later.',
    reply: AlertDelivery,
  }),
}
