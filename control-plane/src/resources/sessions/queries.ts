/** The SQL of browser sessions. Digests go in and are compared in the database; none comes back. */

import type { PageQuery } from '@headgate/admin-contract/page'
import { AdminProblem } from '@headgate/admin-contract/problem'
import type { Claims } from '@headgate/domain/role-mapping'
import { IDLE_MS, type Session } from '@headgate/domain/session'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'
import type { SignInRow } from '../../database/tables.ts'

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

export async function insertSession(
  db: Database,
  session: Session & { digest: string; claims: Claims | null },
): Promise<void> {
  const claims = session.claims === null ? null : JSON.stringify(session.claims)
  await db
    .insertInto('sessions')
    .values({ ...session, claims })
    .execute()
}

/** The open session with this digest; notes, to the minute, that it was seen. */
export async function findSession(
  db: Database,
  digest: string,
  now: string,
): Promise<(Session & { claims: Claims | null }) | undefined> {
  const found = await open(db, now)
    .select([...columns, 'claims'])
    .where('digest', '=', digest)
    .executeTakeFirst()
  if (found === undefined) return undefined
  const isLate = sql<boolean>`seen_at < ${now}::timestamptz - interval '1 minute'`
  await db.updateTable('sessions').set({ seenAt: now }).where('id', '=', found.id).where(isLate).execute()
  return found
}

/** More sign-ins under way than people who sign in; bounds what strangers can make us keep. */
const SIGN_INS_MAX = 10_000

/** Keeps a sign-in that is under way, and forgets those that took too long. @throws AdminProblem when there are too many */
export async function keepSignIn(db: Database, row: SignInRow, now: string): Promise<void> {
  await db.deleteFrom('signIns').where('expiresAt', '<=', now).execute()
  const { count } = await db
    .selectFrom('signIns')
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow()
  if (count >= SIGN_INS_MAX)
    throw new AdminProblem(
      'directory_unavailable',
      'Too many sign-ins are under way. Try again in ten minutes.',
    )
  await db.insertInto('signIns').values(row).execute()
}

/** Takes the sign-in with this digest, once; undefined when there is none, or it took too long. */
export function takeSignIn(db: Database, digest: string, now: string): Promise<SignInRow | undefined> {
  const rows = db.deleteFrom('signIns').where('digest', '=', digest).where('expiresAt', '>', now)
  return rows.returningAll().executeTakeFirst()
}
