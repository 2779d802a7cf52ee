/** The SQL of browser sessions. Digests go in and are compared in the database; none comes back. */
import type { PageQuery } from '@headgate/admin-contract/page'
import { IDLE_MS, type Session } from '@headgate/domain/session'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'

const columns = [
  'id',
  'actor',
  'name',
  'createdAt',
  'seenAt',
  'expiresAt',
] as const satisfies readonly (keyof Session)[]

/** Neither ended nor run out, by age or by being idle. */
function open(db: Database, now: string) {
  return db
    .selectFrom('sessions')
    .where('endedAt', 'is', null)
    .where('expiresAt', '>', now)
    .where('seenAt', '>', new Date(Date.parse(now) - IDLE_MS).toISOString())
}

export function listSessions(
  db: Database,
  { actor, ...query }: PageQuery & { actor?: string | undefined },
  now: string,
) {
  const rows = open(db, now).select(columns)
  return pageById(actor === undefined ? rows : rows.where('actor', '=', actor), query)
}

/** @param actor whose it must be; undefined for anybody's */
export function readSession(
  db: Database,
  id: string,
  actor?: string,
): Promise<(Session & { endedAt: string | null }) | undefined> {
  const row = db
    .selectFrom('sessions')
    .select([...columns, 'endedAt'])
    .where('id', '=', id)
  return (actor === undefined ? row : row.where('actor', '=', actor)).executeTakeFirst()
}

export async function endSession(db: Database, id: string, endedAt: string): Promise<Session> {
  const row = db.updateTable('sessions').set({ endedAt }).where('id', '=', id)
  return row.returning(columns).executeTakeFirstOrThrow()
}
