/** The SQL of a key's secrets, and of who used which. Digests go in and are never read back here. */
import type { KeyClient } from '@headgate/admin-contract/key-rotations'
import type { KeyEnvironment, KeyState } from '@headgate/domain/proxy-key'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import type { KeySecretRow } from '../../database/tables.ts'

const columns = [
  'number',
  'lastFour',
  'stage',
  'createdAt',
  'startsAt',
  'endsAt',
  'graceMinutes',
] as const satisfies readonly (keyof KeySecretRow)[]

/** More clients than this are no list to look through. */
const CLIENTS_MAX = 500

export type StoredSecret = Pick<KeySecretRow, (typeof columns)[number]>

/** What a rotation must know of its key. */
export type RotatedKey = {
  id: string
  environment: KeyEnvironment
  state: KeyState
  expiresAt: string | null
}

/** Locks the key until the transaction ends; its secrets are changed under that lock only. */
export function lockRotatedKey(db: Database, id: string): Promise<RotatedKey | undefined> {
  const of = ['id', 'environment', 'state', 'expiresAt'] as const
  return db.selectFrom('proxyKeys').select(of).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export async function hasKey(db: Database, id: string): Promise<boolean> {
  const row = db.selectFrom('proxyKeys').select('id').where('id', '=', id)
  return (await row.executeTakeFirst()) !== undefined
}

/** The secrets of a key, the youngest first. */
export function readSecrets(db: Database, keyId: string): Promise<StoredSecret[]> {
  const rows = db.selectFrom('keySecrets').select(columns).where('keyId', '=', keyId)
  return rows.orderBy('number', 'desc').execute()
}

export async function insertSecret(db: Database, secret: KeySecretRow): Promise<void> {
  await db.insertInto('keySecrets').values(secret).execute()
}

type SecretChange = Partial<Pick<KeySecretRow, 'stage' | 'startsAt' | 'endsAt' | 'graceMinutes'>>

export async function updateSecret(
  db: Database,
  { keyId, number }: { keyId: string; number: number },
  change: SecretChange,
): Promise<void> {
  const rows = db.updateTable('keySecrets').set(change)
  await rows.where('keyId', '=', keyId).where('number', '=', number).execute()
}

export async function deleteSecret(db: Database, keyId: string, number: number): Promise<void> {
  await db.deleteFrom('keySecrets').where('keyId', '=', keyId).where('number', '=', number).execute()
}

/** Says which secret people should know the key by, and that gateways must hear of it. */
export async function showSecret(db: Database, keyId: string, lastFour: string): Promise<void> {
  const change = { lastFour, isPublished: false }
  await db.updateTable('proxyKeys').set(change).where('id', '=', keyId).execute()
}

/** The keys whose next secret is due. */
export async function readDueKeys(db: Database, now: string): Promise<string[]> {
  const rows = db
    .selectFrom('keySecrets')
    .select('keyId')
    .where('stage', '=', 'next')
    .where('startsAt', '<=', now)
    .orderBy('startsAt')
    .limit(500)
  return (await rows.execute()).map((row) => row.keyId)
}

/** Calls by secret and client, the latest first. */
export async function countClients(
  db: Database,
  keyId: string,
  from: string,
): Promise<{ data: KeyClient[]; truncated: boolean }> {
  const { rows } = await sql<KeyClient>`
    select u.secret_number, s.last_four, s.stage, u.client, count(*) as calls,
      count(*) filter (where u.outcome = 'refused') as refused, min(u.started_at) as first_at, max(u.started_at) as last_at
    from usage_records u left join key_secrets s on s.key_id = u.key_id and s.number = u.secret_number
    where u.key_id = ${keyId} and u.secret_number is not null and u.started_at >= ${from}
    group by 1, 2, 3, 4 order by max(u.started_at) desc limit ${CLIENTS_MAX + 1}`.execute(db)
  return { data: rows.slice(0, CLIENTS_MAX), truncated: rows.length > CLIENTS_MAX }
}
