/** The SQL of catalog versions. The newest is the one in force; the others are its history. */
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { Database } from '../../database/open.ts'

export type CatalogStamp = {
  version: number
  compiledAt: string
  author: string
  message: string
  checksum: string
}

/** The version in force, without its document; undefined when none was ever compiled. */
export function readCatalogStamp(db: Database): Promise<CatalogStamp | undefined> {
  return db
    .selectFrom('catalogVersions')
    .select(['version', 'compiledAt', 'author', 'message', 'checksum'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export function readCatalogDocument(
  db: Database,
): Promise<{ document: CatalogDocument; checksum: string } | undefined> {
  return db
    .selectFrom('catalogVersions')
    .select(['document', 'checksum'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function insertCatalogVersion(
  db: Database,
  it: CatalogStamp & { document: CatalogDocument },
): Promise<void> {
  await db
    .insertInto('catalogVersions')
    .values({ ...it, document: JSON.stringify(it.document) })
    .execute()
}
