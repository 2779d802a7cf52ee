/**
 * Publishes proxy keys: takes their rows to the directory that gateways look keys up in. A key's row is locked
 * while its record travels; otherwise a slow writer could put an old record over a revocation.
 */
import { type Budget, BudgetRule } from '@headgate/domain/budget'
import { type Limit, LimitRule } from '@headgate/domain/limit'
import type { KeyPublisher, Log } from '@headgate/domain/ports'
import type { KeyRecord } from '@headgate/domain/proxy-key'
import type { Database } from '../database/open.ts'
import type { ProxyKeyRow } from '../database/tables.ts'
import { readBudgetsOfKeys } from '../resources/budgets/queries.ts'
import { readLimitsOfKeys } from '../resources/limits/queries.ts'

const BATCH = 500

export type KeysPublisher = {
  /** Publishes these keys as they are now. */
  publish(keyIds: readonly string[]): Promise<void>
  /** Publishes the keys whose last change has not reached the directory, as after a crash. */
  publishMissing(signal: AbortSignal): Promise<void>
  /** Publishes every key, for a directory that lost them. */
  publishAll(signal: AbortSignal): Promise<void>
}

export type KeysPublisherPlan = {
  readonly db: Database
  readonly publisher: KeyPublisher
  readonly log: Log
}

/** Makes the publisher. All its functions reject when Postgres or the directory cannot be asked. */
export function keysPublisher(plan: KeysPublisherPlan): KeysPublisher {
  return {
    publish: async (keyIds) => {
      for (let at = 0; at < keyIds.length; at += BATCH) {
        await publishLocked(plan, keyIds.slice(at, at + BATCH))
      }
    },
    publishMissing: async (signal) => {
      const count = await publishInBatches(plan, signal, (afterId) =>
        plan.db
          .selectFrom('proxyKeys')
          .select('id')
          .where('isPublished', '=', false)
          .where('id', '>', afterId)
          .orderBy('id')
          .limit(BATCH)
          .execute(),
      )
      if (count > 0) plan.log('info', 'published keys that had not reached the directory', { count })
    },
    publishAll: async (signal) => {
      const count = await publishInBatches(plan, signal, (afterId) =>
        plan.db
          .selectFrom('proxyKeys')
          .select('id')
          .where('id', '>', afterId)
          .orderBy('id')
          .limit(BATCH)
          .execute(),
      )
      plan.log('info', 'published all keys anew', { count })
    },
  }
}

async function publishInBatches(
  plan: KeysPublisherPlan,
  signal: AbortSignal,
  next: (afterId: string) => Promise<{ id: string }[]>,
): Promise<number> {
  let count = 0
  for (let afterId = ''; !signal.aborted; ) {
    const ids = (await next(afterId)).map((row) => row.id)
    const last = ids.at(-1)
    if (last === undefined) break
    await publishLocked(plan, ids)
    count += ids.length
    afterId = last
  }
  return count
}

async function publishLocked(plan: KeysPublisherPlan, ids: readonly string[]): Promise<void> {
  await plan.db.transaction().execute(async (db) => {
    const rows = await db
      .selectFrom('proxyKeys')
      .selectAll()
      .where('id', 'in', ids)
      // Everybody locks in the same order, so that nobody waits in a circle.
      .orderBy('id')
      .forNoKeyUpdate()
      .execute()
    if (rows.length === 0) return
    const limits = await readLimitsOfKeys(db, ids)
    const budgets = await readBudgetsOfKeys(db, ids)
    await plan.publisher.put(rows.map((row) => keyRecordOf(row, limits, budgets)))
    await db.updateTable('proxyKeys').set({ isPublished: true }).where('id', 'in', ids).execute()
  })
}

type KeyRow = Omit<ProxyKeyRow, 'isPublished'>

/** What gateways are told of a key. */
function keyRecordOf(row: KeyRow, limits: readonly Limit[], budgets: readonly Budget[]): KeyRecord {
  return {
    id: row.id,
    name: row.name,
    teamId: row.teamId,
    appId: row.appId,
    userId: row.userId,
    state: row.state,
    allowedModels: row.allowedModels,
    requestsPerMinute: row.requestsPerMinute,
    tokensPerMinute: row.tokensPerMinute,
    digest: row.digest,
    limits: limits.filter((it) => it.ownerId === row.id).map((it) => LimitRule.parse(it)),
    budgets: budgets.filter((it) => it.ownerId === row.id).map((it) => BudgetRule.parse(it)),
    expiresAtMs: row.expiresAt === null ? null : Math.floor(Date.parse(row.expiresAt)),
  }
}
