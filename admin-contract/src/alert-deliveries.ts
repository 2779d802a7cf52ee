/** Alert deliveries in the admin API: what was sent where, what the receivers answered, and what was given up. */
import { AlertChannelId } from '@headgate/domain/alert-channel'
import { AlertDelivery, AlertDeliveryState } from '@headgate/domain/alert-delivery'
import { OutboxEventId } from '@headgate/domain/outbox-event'
import { operation } from './operation.ts'
import { PageQuery, pageOf } from './page.ts'

export const alertDeliveries = {
  list: operation({
    method: 'GET',
    path: '/alert-deliveries',
    right: 'alerts.read',
    summary: 'Lists deliveries, newest first; of one channel, event or state if asked.',
    query: PageQuery.extend({
      channelId: AlertChannelId.optional(),
      eventId: OutboxEventId.optional(),
      state: AlertDeliveryState.optional(),
    }),
    reply: pageOf(AlertDelivery),
  }),
  read: operation({
    method: 'GET',
    path: '/alert-deliveries/{deliveryId}',
    right: 'alerts.read',
    summary: 'Reads one delivery.',
    reply: AlertDelivery,
  }),
  retry: operation({
    method: 'POST',
    path: '/alert-deliveries/{deliveryId}/retry',
    right: 'alerts.write',
    audit: 'alert-delivery.retried',
    changesCatalog: false,
    status: 200,
    summary: 'Sends it again at once, with the same id, and with all attempts before it.',
    reply: AlertDelivery,
  }),
}
