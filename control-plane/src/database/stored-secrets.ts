/** What others than the admin resource need of stored secrets: that a reference leads to one, and what is sealed for whom. */
import { type SecretRef, splitSecretRef } from '@headgate/domain/secret-ref'
import type { SealedSecret, StoredSecret } from '@headgate/domain/stored-secret'
import { sql } from 'kysely'
import type { Database } from './open.ts'
import type { SecretRow } from './tables.ts'

/**
 * Whether a reference leads to a secret, as far as that can be said: a vault or a file may come later, what we keep
 * ourselves is there or is a misspelt name. It is kept until the transaction ends, so that nobody removes it meanwhile.
 */
export async function leadsToSecret(db: Database, ref: SecretRef): Promise<boolean> {
  const { scheme, rest } = splitSecretRef(ref)
  if (scheme !== 'db') return true
  const row = db.selectFrom('secrets').select('id').where('name', '=', rest).forKeyShare()
  return (await row.executeTakeFirst()) !== undefined
}

/** The resources whose reference leads to no secret: of those that somebody put there past the API. */
export function readDanglingRefs(db: Database) {
  return db
    .selectFrom('resources')
    .select(['id', 'name', 'secretRef'])
    .where('secretRef', 'like', 'db://%' as never)
    .where(sql<boolean>`not exists (select from secrets where secret_ref = 'db://' || secrets.name)`)
    .orderBy('id')
    .execute()
}

export async function insertStoredSecret(db: Database, row: SecretRow): Promise<StoredSecret> {
  return shownSecret(await db.insertInto('secrets').values(row).returningAll().executeTakeFirstOrThrow())
}

/** Those that a resource refers to, for gateways. */
export function readSealedSecrets(db: Database): Promise<SealedSecret[]> {
  return readReferredBy(db, 'resources')
}

/** Those that an alert channel refers to, for the control plane itself. */
export function readChannelSecrets(db: Database): Promise<SealedSecret[]> {
  return readReferredBy(db, 'alert_channels')
}

function readReferredBy(db: Database, table: 'resources' | 'alert_channels'): Promise<SealedSecret[]> {
  return db
    .selectFrom('secrets')
    .select(['name', 'sealed'])
    .where(sql<boolean>`exists (select from ${sql.table(table)} where secret_ref = 'db://' || secrets.name)`)
    .orderBy('name')
    .execute()
}

/** The row without what must not leave. */
export function shownSecret({ sealed: _, ...row }: SecretRow): StoredSecret {
  return { ...row, ref: `db://${row.name}` }
}
