/**
 * Publishes proxy keys: takes their rows to the directory that gateways look keys up in. A key's row is locked
 * while its record travels; otherwise a slow writer could put an old record over a revocation.
 */
import { type Budget, BudgetRule } from '@headgate/domain/budget'
import { type Limit, LimitRule } from '@headgate/domain/limit'
import type { KeyPublisher, Log } from '@headgate/domain/ports'
import type { KeyRecord } from '@headgate/domain/proxy-key'
import type { Selectable } from 'kysely'
import type { Database } from '../database/open.ts'
import type { KeySecretRow, ProxyKeyRow } from '../database/tables.ts'
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
  readonly publisher: Pick<KeyPublisher, 'put'>
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
    const secrets = await readWorkingSecrets(db, ids)
    await plan.publisher.put(rows.flatMap((row) => keyRecordsOf(row, { limits, budgets, secrets })))
    await db.updateTable('proxyKeys').set({ isPublished: true }).where('id', 'in', ids).execute()
  })
}

/** What gateways are told of a key, by the secret that is to last; undefined when there is no such key. */
export async function readKeyRecord(db: Database, keyId: string): Promise<KeyRecord | undefined> {
  const row = await db.selectFrom('proxyKeys').selectAll().where('id', '=', keyId).executeTakeFirst()
  if (row === undefined) return undefined
  const limits = await readLimitsOfKeys(db, [keyId])
  const budgets = await readBudgetsOfKeys(db, [keyId])
  return keyRecordsOf(row, { limits, budgets, secrets: await readWorkingSecrets(db, [keyId]) }).at(-1)
}

/** All but those whose time has not come. */
function readWorkingSecrets(db: Database, keyIds: readonly string[]): Promise<KeySecretRow[]> {
  const rows = db.selectFrom('keySecrets').selectAll().where('keyId', 'in', keyIds)
  return rows.where('stage', '!=', 'next').orderBy('number').execute()
}

type KeyRow = Selectable<ProxyKeyRow>

type Carried = {
  readonly limits: readonly Limit[]
  readonly budgets: readonly Budget[]
  readonly secrets: readonly KeySecretRow[]
}

/** What gateways are told of a key: one record for each of its secrets. An old one expires by itself. */
function keyRecordsOf(row: KeyRow, { limits, budgets, secrets }: Carried): KeyRecord[] {
  const mine = secrets.filter((it) => it.keyId === row.id)
  const untilMs = Math.max(...mine.map((it) => (it.endsAt === null ? 0 : Date.parse(it.endsAt))))
  const key = {
    id: row.id,
    name: row.name,
    teamId: row.teamId,
    appId: row.appId,
    userId: row.userId,
    state: row.state,
    allowedModels: row.allowedModels,
    requestsPerMinute: row.requestsPerMinute,
    tokensPerMinute: row.tokensPerMinute,
    limits: limits.filter((it) => it.ownerId === row.id).map((it) => LimitRule.parse(it)),
    budgets: budgets.filter((it) => it.ownerId === row.id).map((it) => BudgetRule.parse(it)),
  }
  return mine.map(({ digest, number, stage, endsAt }) => ({
    ...key,
    digest,
    // An old secret ends by itself; the rule is for the one that is to be used.
    expiresAtMs: earlier(row.expiresAt, stage === 'current' ? row.secretExpiresAt : null, endsAt),
    rotation: mine.length < 2 ? null : { secretNumber: number, isOld: stage === 'old', untilMs },
  }))
}

/** Whole milliseconds, rounded down: no secret works longer than it was said to. */
function earlier(...instants: readonly (string | null)[]): number | null {
  const known = instants.filter((it) => it !== null).map((it) => Math.floor(Date.parse(it)))
  return known.length === 0 ? null : Math.min(...known)
}
