/** The SQL of proxy keys. Digests go in and are never read back here: only the publisher needs them. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { ProxyKey } from '@headgate/domain/proxy-key'
import type { Database } from '../../database/open.ts'
import { idAfter, toPageById } from '../../database/page.ts'

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
  'createdAt',
] as const satisfies readonly (keyof ProxyKey)[]

type KeyQuery = PageQuery & {
  teamId?: string | undefined
  appId?: string | undefined
  userId?: string | undefined
  state?: ProxyKey['state'] | undefined
}

export async function listKeys(db: Database, query: KeyQuery) {
  let rows = db
    .selectFrom('proxyKeys')
    .select(columns)
    .orderBy('id', 'desc')
    .limit(query.limit + 1)
  for (const column of ['teamId', 'appId', 'userId', 'state'] as const) {
    const wanted = query[column]
    if (wanted !== undefined) rows = rows.where(column, '=', wanted)
  }
  if (query.cursor !== undefined) rows = rows.where('id', '<', idAfter(query.cursor))
  return toPageById(await rows.execute(), query.limit)
}

export function readKey(db: Database, id: string): Promise<ProxyKey | undefined> {
  return db.selectFrom('proxyKeys').select(columns).where('id', '=', id).executeTakeFirst()
}

export function insertKey(
  db: Database,
  key: ProxyKey & { digest: string; pepperVersion: number },
): Promise<ProxyKey> {
  return db.insertInto('proxyKeys').values(key).returning(columns).executeTakeFirstOrThrow()
}

/** Locks the key until the transaction ends, so that a change is judged on what it is applied to. */
export function lockKey(db: Database, id: string): Promise<ProxyKey | undefined> {
  return db.selectFrom('proxyKeys').select(columns).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export function setKeyState(db: Database, id: string, state: ProxyKey['state']): Promise<ProxyKey> {
  return db
    .updateTable('proxyKeys')
    .set({ state, isPublished: false })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow()
}
