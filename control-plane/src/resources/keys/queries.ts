/** The SQL of proxy keys and of their first secrets. Digests go in and are never read back here. */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import type { ProxyKey } from '@headgate/domain/proxy-key'
import { sql } from 'kysely'
import { listRows } from '../../database/list-rows.ts'
import type { Database } from '../../database/open.ts'
import { setRotationDates } from '../../database/rotation-dates.ts'

const columns = [
  'id',
  'name',
  'environment',
  'teamId',
  'appId',
  'userId',
  'state',
  'lastFour',
  'allowedModels',
  'requestsPerMinute',
  'tokensPerMinute',
  'expiresAt',
  'rotationRule',
  'rotationDueAt',
  'rotationOverdueAt',
  'secretExpiresAt',
  'createdAt',
] as const satisfies readonly (keyof ProxyKey)[]

type KeyFilter = { expiresBefore?: string | undefined; rotationDueBefore?: string | undefined }

export function listKeys(
  db: Database,
  { expiresBefore, rotationDueBefore, ...query }: PageQuery & KeyFilter,
): Promise<Page<ProxyKey>> {
  const where = [
    ...(expiresBefore === undefined ? [] : [sql<boolean>`expires_at < ${expiresBefore}`]),
    ...(rotationDueBefore === undefined ? [] : [sql<boolean>`rotation_due_at < ${rotationDueBefore}`]),
  ]
  const nullsAs = { expiresAt: 'infinity', rotationDueAt: 'infinity' }
  return listRows<ProxyKey>(db, { table: 'proxyKeys', columns, nullsAs, where }, query)
}

export function readKey(db: Database, id: string): Promise<ProxyKey | undefined> {
  return db.selectFrom('proxyKeys').select(columns).where('id', '=', id).executeTakeFirst()
}

type FirstKey = Omit<ProxyKey, 'rotationDueAt' | 'rotationOverdueAt' | 'secretExpiresAt'>

/** The key and its first secret. */
export async function insertKey(
  db: Database,
  key: FirstKey,
  secret: { digest: string; pepperVersion: number },
): Promise<ProxyKey> {
  await db.insertInto('proxyKeys').values(rowOf(key)).execute()
  await db
    .insertInto('keySecrets')
    .values({
      ...secret,
      keyId: key.id,
      number: 1,
      lastFour: key.lastFour,
      stage: 'current',
      createdAt: key.createdAt,
      startsAt: key.createdAt,
      graceMinutes: 0,
    })
    .execute()
  await setRotationDates(db, { keyId: key.id }, key.createdAt)
  return keyOf(db, key.id)
}

function rowOf<T extends Partial<ProxyKey>>(fields: T) {
  const { rotationRule } = fields
  return rotationRule == null
    ? { ...fields, rotationRule }
    : { ...fields, rotationRule: JSON.stringify(rotationRule) }
}

function keyOf(db: Database, id: string): Promise<ProxyKey> {
  return db.selectFrom('proxyKeys').select(columns).where('id', '=', id).executeTakeFirstOrThrow()
}

/** Locks the key until the transaction ends, so that a change is judged on what it is applied to. */
export function lockKey(db: Database, id: string): Promise<ProxyKey | undefined> {
  return db.selectFrom('proxyKeys').select(columns).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

/**
 * Changes a key, and when its secret is to be replaced where that follows from it.
 * @param change at least one field
 * @param now as ISO 8601
 */
export async function updateKey(
  db: Database,
  { id, now }: { id: string; now: string },
  change: Partial<ProxyKey>,
): Promise<ProxyKey> {
  const { rotationRule, appId, state } = change
  await db
    .updateTable('proxyKeys')
    .set({ ...rowOf(change), isPublished: false })
    .where('id', '=', id)
    .execute()
  if (rotationRule !== undefined || appId !== undefined || state === 'revoked')
    await setRotationDates(db, { keyId: id }, now)
  return keyOf(db, id)
}

export async function deleteKey(db: Database, id: string): Promise<void> {
  await db.deleteFrom('proxyKeys').where('id', '=', id).execute()
}

/** Whether gateways have been told of the key as it is. */
export async function isKeyPublished(db: Database, id: string): Promise<boolean> {
  const row = db.selectFrom('proxyKeys').select('isPublished').where('id', '=', id)
  return (await row.executeTakeFirst())?.isPublished ?? false
}

/** What kinds of things refer to a key without the database knowing of it. */
export async function hasPolicies(db: Database, id: string): Promise<boolean> {
  const row = db.selectFrom('policies').select('id').where('ownerId', '=', id).limit(1)
  return (await row.executeTakeFirst()) !== undefined
}

/** Whether limits of the key are parts of limits of this app or user. */
export async function hasLimitsBelow(db: Database, keyId: string, parentOwnerId: string): Promise<boolean> {
  const row = db
    .selectFrom('limits as mine')
    .innerJoin('limits as parent', 'parent.id', 'mine.parentId')
    .select('mine.id')
    .where('mine.ownerId', '=', keyId)
    .where('parent.ownerId', '=', parentOwnerId)
    .limit(1)
  return (await row.executeTakeFirst()) !== undefined
}

export function readApp(db: Database, id: string): Promise<{ teamId: string } | undefined> {
  return db.selectFrom('apps').select('teamId').where('id', '=', id).executeTakeFirst()
}
