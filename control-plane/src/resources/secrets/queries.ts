/** The SQL of stored secrets. What is sealed is read to be sealed anew, and for nothing else. */
import type { Database } from '../../database/open.ts'
import type { SecretRow } from '../../database/tables.ts'

export function readSecret(db: Database, id: string): Promise<SecretRow | undefined> {
  return db.selectFrom('secrets').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Locks it until the transaction ends. */
export function lockSecret(db: Database, id: string): Promise<SecretRow | undefined> {
  return db.selectFrom('secrets').selectAll().where('id', '=', id).forUpdate().executeTakeFirst()
}

export function lockSecrets(db: Database): Promise<SecretRow[]> {
  return db.selectFrom('secrets').selectAll().orderBy('id').forUpdate().execute()
}

export function updateSecret(db: Database, id: string, fields: Partial<SecretRow>): Promise<SecretRow> {
  return db.updateTable('secrets').set(fields).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteSecret(db: Database, id: string): Promise<void> {
  await db.deleteFrom('secrets').where('id', '=', id).execute()
}

/** What refers to a secret, in the words of people; null when nothing does. */
export async function referrersOf(db: Database, name: string): Promise<string | null> {
  for (const table of ['resources', 'alertChannels'] as const) {
    const rows = db
      .selectFrom(table)
      .select('id')
      .where('secretRef', '=', `db://${name}` as never)
    if ((await rows.executeTakeFirst()) !== undefined) return table === 'resources' ? table : 'alert channels'
  }
  return null
}
