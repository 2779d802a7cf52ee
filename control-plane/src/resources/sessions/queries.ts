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
  // What ended is asked for no more, so what it was asked with goes at once.
  const row = db.updateTable('sessions').set({ endedAt, sealedRefreshToken: null }).where('id', '=', id)
  return row.returning(columns).executeTakeFirstOrThrow()
}

type NewSession = Session & {
  readonly digest: string
  readonly claims: Claims | null
  /** The directory that told of them; null for the first admin of evaluation. */
  readonly issuer: string | null
  readonly sealedRefreshToken: string | null
  readonly checkedAt: string
}

export async function insertSession(db: Database, session: NewSession): Promise<void> {
  const claims = session.claims === null ? null : JSON.stringify(session.claims)
  await db
    .insertInto('sessions')
    .values({ ...session, claims })
    .execute()
}

export type FoundSession = Session &
  Pick<NewSession, 'claims' | 'issuer' | 'sealedRefreshToken' | 'checkedAt'>

/** Takes a session for being checked, as it was read; false when somebody else has it, or has checked it meanwhile. */
export async function leaseCheck(
  db: Database,
  { id, checkedAt }: Pick<FoundSession, 'id' | 'checkedAt'>,
  { now, until }: { now: string; until: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('sessions')
    .set({ checkingUntil: until })
    .where('id', '=', id)
    .where('checkedAt', '=', checkedAt)
    .where('endedAt', 'is', null)
    .where((row) => row.or([row('checkingUntil', 'is', null), row('checkingUntil', '<=', now)]))
    .executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** What a directory said last of whoever has this session; undefined when it has ended. */
export function readConfirmation(db: Database, id: string) {
  const row = db.selectFrom('sessions').select(['claims', 'checkedAt']).where('id', '=', id)
  return row.where('endedAt', 'is', null).executeTakeFirst()
}

/** Keeps what a directory said anew, and gives the session back. */
export async function keepConfirmation(
  db: Database,
  id: string,
  { claims, ...more }: Pick<FoundSession, 'sealedRefreshToken' | 'checkedAt'> & { claims: Claims },
): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ ...more, claims: JSON.stringify(claims), checkingUntil: null })
    .where('id', '=', id)
    // One that ended meanwhile keeps nothing.
    .where('endedAt', 'is', null)
    .execute()
}

/** The open session with this digest; notes, to the minute, that it was seen. */
export async function findSession(
  db: Database,
  digest: string,
  now: string,
): Promise<FoundSession | undefined> {
  const found = await open(db, now)
    .select([...columns, 'claims', 'issuer', 'sealedRefreshToken', 'checkedAt'])
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
