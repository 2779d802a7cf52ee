/**
 * Tells when the secret of a key is to be replaced, and again when that has been put off too long: each once for each
 * secret, in the transaction that remembers it. In one process at a time.
 */
import { idSource } from '@headgate/domain/id'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import type { Clock } from '@headgate/domain/ports'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { writeOutbox } from '../database/outbox.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 30_000
const LOCK = 10
/** More are told of in the next run. */
const COUNT_MAX = 1_000

export type TellPlan = { readonly db: Database; readonly clock: Pick<Clock, 'nowMs'> }

/** The job. */
export function tellRotations(plan: TellPlan): Job {
  return { name: 'tell-rotations', everyMs: EVERY_MS, lock: LOCK, run: () => tellOnce(plan) }
}

/** Tells of what is due and was not told yet. */
export async function tellOnce({ db, clock }: TellPlan): Promise<void> {
  const nowMs = clock.nowMs()
  const at = new Date(nowMs).toISOString()
  const newId = idSource()
  await db.transaction().execute(async (transaction) => {
    const due = await readUntold(transaction, at)
    if (due.length === 0) return
    const events = due.map(({ isOverdue, ...data }): OutboxEvent => {
      const type = isOverdue ? 'key-rotation.overdue' : 'key-rotation.due'
      return { id: newId('evt', nowMs), at, type, data }
    })
    for (const isOverdue of [true, false]) {
      const keyIds = due.filter((it) => it.isOverdue === isOverdue).map((it) => it.keyId)
      if (keyIds.length === 0) continue
      const rotationTold = isOverdue ? 'overdue' : 'due'
      await transaction.updateTable('proxyKeys').set({ rotationTold }).where('id', 'in', keyIds).execute()
    }
    await writeOutbox(transaction, events)
  })
}

/** Keys in use that people are to hear of, locked; one whose next secret is made already and will be in time is not. */
function readUntold(db: Database, now: string) {
  return db
    .selectFrom('proxyKeys')
    .innerJoin('apps', 'apps.id', 'proxyKeys.appId')
    .select(['proxyKeys.id as keyId', 'proxyKeys.name as keyName', 'lastFour', 'proxyKeys.teamId', 'appId'])
    .select(['apps.name as appName', 'secretExpiresAt'])
    .select([
      sql<string>`rotation_due_at`.as('dueAt'),
      sql<string>`rotation_overdue_at`.as('overdueAt'),
      sql<boolean>`rotation_overdue_at <= ${now}`.as('isOverdue'),
    ])
    .where('state', '=', 'active')
    .where(sql<boolean>`rotation_due_at <= ${now}`)
    .where(sql<boolean>`(rotation_told is null or (rotation_told = 'due' and rotation_overdue_at <= ${now}))`)
    .where(sql<boolean>`(expires_at is null or expires_at > ${now})`)
    .where(
      sql<boolean>`not exists (select from key_secrets where key_id = proxy_keys.id and stage = 'next'
        and key_secrets.starts_at <= rotation_overdue_at)`,
    )
    .orderBy('rotationDueAt')
    .limit(COUNT_MAX)
    .forNoKeyUpdate('proxyKeys')
    .execute()
}
