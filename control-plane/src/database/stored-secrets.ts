/** What others than the admin resource need of stored secrets: that a reference leads to one, and what is published. */
import type { SealedSecret, StoredSecret } from '@headgate/domain/stored-secret'
import { sql } from 'kysely'
import type { Database } from './open.ts'
import type { SecretRow } from './tables.ts'

export async function hasStoredSecret(db: Database, name: string): Promise<boolean> {
  const row = await db.selectFrom('secrets').select('id').where('name', '=', name).executeTakeFirst()
  return row !== undefined
}

export async function insertStoredSecret(db: Database, row: SecretRow): Promise<StoredSecret> {
  return shownSecret(await db.insertInto('secrets').values(row).returningAll().executeTakeFirstOrThrow())
}

/** Those that a resource refers to, for gateways. */
export function readSealedSecrets(db: Database): Promise<SealedSecret[]> {
  return db
    .selectFrom('secrets')
    .select(['name', 'sealed'])
    .where(sql<boolean>`exists (select from resources where secret_ref = 'db://' || secrets.name)`)
    .orderBy('name')
    .execute()
}

/** The row without what must not leave. */
export function shownSecret({ sealed: _, ...row }: SecretRow): StoredSecret {
  return { ...row, ref: `db://${row.name}` }
}
