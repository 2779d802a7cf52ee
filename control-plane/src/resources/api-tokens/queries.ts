/** The SQL of API tokens. Digests go in and are compared in the database; none comes back. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { ApiToken } from '@headgate/domain/api-token'
import { sql } from 'kysely'
import { listRows } from '../../database/list-rows.ts'
import type { Database } from '../../database/open.ts'

const columns = [
  ...(['id', 'name', 'role', 'teamIds', 'rights', 'lastFour', 'createdBy'] as const),
  ...(['createdAt', 'expiresAt', 'revokedAt', 'lastUsedAt'] as const),
] as const satisfies readonly (keyof ApiToken)[]

export function listTokens(db: Database, query: PageQuery) {
  return listRows<ApiToken>(db, { table: 'apiTokens', columns }, query)
}

export function readToken(db: Database, id: string): Promise<ApiToken | undefined> {
  return db.selectFrom('apiTokens').select(columns).where('id', '=', id).executeTakeFirst()
}

export function insertToken(db: Database, token: ApiToken & { digest: string }): Promise<ApiToken> {
  return db.insertInto('apiTokens').values(token).returning(columns).executeTakeFirstOrThrow()
}

export function revokeToken(db: Database, id: string, revokedAt: string): Promise<ApiToken> {
  const row = db.updateTable('apiTokens').set({ revokedAt }).where('id', '=', id)
  return row.returning(columns).executeTakeFirstOrThrow()
}

/** The token with this digest that is neither revoked nor expired; notes, to the minute, that it was used. */
export async function findToken(db: Database, digest: string, now: string): Promise<ApiToken | undefined> {
  const token = await db
    .selectFrom('apiTokens')
    .select(columns)
    .where('digest', '=', digest)
    .where('revokedAt', 'is', null)
    .where('expiresAt', '>', now)
    .executeTakeFirst()
  if (token === undefined) return undefined
  const isLate = sql<boolean>`coalesce(last_used_at < ${now}::timestamptz - interval '1 minute', true)`
  await db
    .updateTable('apiTokens')
    .set({ lastUsedAt: now })
    .where('id', '=', token.id)
    .where(isLate)
    .execute()
  return token
}
