/**
 * The readers of the outbox. Each has a cursor of its own, so one that lags or fails holds up no other; another
 * place that is to hear of events is one more line in start.ts, and a cursor from a migration. Runs in any process.
 */
import { listensTo } from '@headgate/domain/alert-channel'
import { idSource } from '@headgate/domain/id'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import { insertDeliveries } from '../database/alert-deliveries.ts'
import type { Database } from '../database/open.ts'
import { forgetRead, readOutbox } from '../database/outbox.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 1_000
const BATCH = 100

export type OutboxReader = {
  /** As its cursor is called. */
  readonly name: string
  /**
   * Takes events, in their order; those it throws at come again. What it writes with `db` is written once; what it
   * sends elsewhere may be sent again, with the same ids. Has ten seconds.
   */
  readonly take: (events: readonly OutboxEvent[], db: Database) => Promise<void>
}

/** The job of one reader. */
export function readsOutbox(db: Database, { name, take }: OutboxReader): Job {
  return {
    name: `read-outbox-${name}`,
    everyMs: EVERY_MS,
    run: async (signal) => {
      while (!signal.aborted && (await readOutbox(db, name, { countMax: BATCH, take })) > 0) {}
      await forgetRead(db)
    },
  }
}

/** Makes a delivery of each event for each channel that listens. */
export const alertsReader: OutboxReader = {
  name: 'alerts',
  take: async (events, db) => {
    const news = events.filter((it) => it.type !== 'alert.test')
    if (news.length === 0) return
    const channels = await db.selectFrom('alertChannels').selectAll().execute()
    const newId = idSource()
    const createdAt = new Date().toISOString()
    const made = news.flatMap(({ id: eventId, type, at, data }) =>
      channels
        .filter((it) => listensTo(it, { ...data, type, atMs: Date.parse(at) }))
        .map((it) => ({ id: newId('dlv', Date.parse(at)), channelId: it.id, eventId, createdAt })),
    )
    await insertDeliveries(db, made)
  },
}
