/**
 * The SQL of alert deliveries: made when an event is read from the outbox or a channel is tried, taken by whoever
 * makes the next attempt, and ended by what came of it.
 */
import type { AlertChannel } from '@headgate/domain/alert-channel'
import type { AlertDelivery } from '@headgate/domain/alert-delivery'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import { sql } from 'kysely'
import type { Database } from './open.ts'

/** Longer than an attempt may take, so that only a dead process is overtaken. */
const LEASE_SECONDS = 60

export type DueDelivery = {
  readonly id: string
  readonly attempts: number
  readonly channel: AlertChannel
  readonly event: OutboxEvent
}

type NewDelivery = Pick<AlertDelivery, 'id' | 'channelId' | 'eventId' | 'createdAt'>

/** Makes deliveries, due at once; one that is there already stays as it is. */
export async function insertDeliveries(db: Database, made: readonly NewDelivery[]): Promise<void> {
  if (made.length === 0) return
  await db
    .insertInto('alertDeliveries')
    .values(made.map((it) => ({ ...it, nextAttemptAt: it.createdAt })))
    .onConflict((conflict) => conflict.columns(['channelId', 'eventId']).doNothing())
    .execute()
}

const eventType = sql<
  AlertDelivery['eventType']
>`(select type from outbox_events where outbox_events.id = event_id)`

/** Deliveries as they are shown. */
export function selectDeliveries(db: Database) {
  return db
    .selectFrom('alertDeliveries')
    .select(['id', 'channelId', 'eventId', 'state', 'attempts', 'nextAttemptAt', 'lastAnswer'])
    .select(['createdAt', 'endedAt', eventType.as('eventType')])
}

/** Takes deliveries that are due, each for one attempt, which is counted now: a process may die of it. */
export async function claimDeliveries(db: Database, countMax: number): Promise<DueDelivery[]> {
  const { rows: claimed } = await sql<{ id: string; attempts: number; channelId: string; eventId: string }>`
    update alert_deliveries
    set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => ${sql.lit(LEASE_SECONDS)})
    where id in (
      select id from alert_deliveries where state = 'waiting' and next_attempt_at <= now()
      order by next_attempt_at limit ${countMax} for update skip locked)
    returning id, attempts, channel_id, event_id`.execute(db)
  if (claimed.length === 0) return []
  const channels = await db
    .selectFrom('alertChannels')
    .selectAll()
    .where('id', 'in', [...new Set(claimed.map((it) => it.channelId))])
    .execute()
  const events = await db
    .selectFrom('outboxEvents')
    .select(['id', 'type', 'at', 'data'])
    .where('id', 'in', [...new Set(claimed.map((it) => it.eventId))])
    .execute()
  return claimed.flatMap(({ id, attempts, channelId, eventId }) => {
    const channel = channels.find((it) => it.id === channelId)
    const event = events.find((it) => it.id === eventId) as OutboxEvent | undefined
    return channel && event ? [{ id, attempts, channel, event }] : []
  })
}

/** What came of an attempt. */
export type AttemptEnd = {
  readonly answer: string
  readonly state: AlertDelivery['state']
  /** Of one that waits for another attempt. */
  readonly retryAfterMs: number | null
}

/** Writes down what came of an attempt, unless another has been begun since. */
export async function endAttempt(
  db: Database,
  { id, attempts }: Pick<DueDelivery, 'id' | 'attempts'>,
  { answer, state, retryAfterMs }: AttemptEnd,
): Promise<void> {
  const isOver = state !== 'waiting'
  await db
    .updateTable('alertDeliveries')
    .set({
      ...{ state, lastAnswer: answer },
      endedAt: isOver ? sql<string>`now()` : null,
      nextAttemptAt: isOver
        ? null
        : sql<string>`now() + make_interval(secs => ${(retryAfterMs ?? 0) / 1000})`,
    })
    .where('id', '=', id)
    .where('attempts', '=', attempts)
    .where('state', '=', 'waiting')
    .execute()
}
