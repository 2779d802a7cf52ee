/**
 * An alert delivery is one event on its way to one alert channel: tried until it is received or given up. It may
 * arrive more than once and then says so, having one id for ever.
 */
import { z } from 'zod'
import { AlertChannelId } from './alert-channel.ts'
import { idOf } from './id.ts'
import { OutboxEventId, OutboxEventType } from './outbox-event.ts'

const AlertDeliveryId = idOf('dlv')

/** Waiting for its first or next attempt; received; given up. */
export const AlertDeliveryState = z.enum(['waiting', 'delivered', 'dead'])

const Instant = z.iso.datetime({ offset: true })

export const AlertDelivery = z.object({
  id: AlertDeliveryId,
  channelId: AlertChannelId,
  /** What receivers know a repeat by: `webhook-id`, or the message id of a mail. */
  eventId: OutboxEventId,
  eventType: OutboxEventType,
  state: AlertDeliveryState,
  /** Since it was last asked for. */
  attempts: z.int().min(0),
  /** Of a waiting one. */
  nextAttemptAt: Instant.nullable(),
  /** What the receiver answered last, as far as it may be shown; null before the first attempt. */
  lastAnswer: z.string().nullable(),
  createdAt: Instant,
  endedAt: Instant.nullable(),
})
export type AlertDelivery = z.infer<typeof AlertDelivery>

/** After the first attempt, the second, and so on: seventeen hours in all. */
const RETRY_AFTER_SECONDS = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800] as const
/** Up to this share is added, so that what failed together does not come back together. */
const JITTER = 0.2

export const ALERT_ATTEMPTS_MAX = RETRY_AFTER_SECONDS.length + 1

/**
 * How long to wait after so many failed attempts, in milliseconds; null when it is given up.
 * @param chance 0 to 1
 */
export function retryAfterMs(attempts: number, chance: number): number | null {
  const seconds = RETRY_AFTER_SECONDS[attempts - 1]
  return seconds === undefined ? null : Math.round(seconds * 1_000 * (1 + JITTER * chance))
}
