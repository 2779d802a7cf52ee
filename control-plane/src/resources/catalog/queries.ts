/** The SQL of catalog versions. The newest is the one in force; the others are its history. */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'

export type CatalogStamp = {
  version: number
  compiledAt: string
  author: string
  message: string
  checksum: string
}

const stamp = ['version', 'compiledAt', 'author', 'message', 'checksum'] as const

/** The version in force, without its document; undefined when none was ever compiled. */
export function readCatalogStamp(db: Database): Promise<CatalogStamp | undefined> {
  const rows = db.selectFrom('catalogVersions').select(stamp).orderBy('version', 'desc').limit(1)
  return rows.executeTakeFirst()
}

export async function listCatalogStamps(
  db: Database,
  { limit, cursor }: PageQuery,
): Promise<Page<CatalogStamp>> {
  let rows = db.selectFrom('catalogVersions').select(stamp).orderBy('version', 'desc')
  if (cursor !== undefined) {
    const [version = ''] = positionAfter(cursor, 1)
    if (!/^[0-9]{1,15}$/.test(version)) throw badCursor()
    rows = rows.where('version', '<', Number(version))
  }
  return toPage(await rows.limit(limit + 1).execute(), limit, (row) => [String(row.version)])
}

/** One version whole. */
export function readCatalogVersion(
  db: Database,
  version: number,
): Promise<(CatalogStamp & { document: CatalogDocument }) | undefined> {
  const rows = db.selectFrom('catalogVersions').select([...stamp, 'document'])
  return rows.where('version', '=', version).executeTakeFirst()
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

/** The version before this one; there may be gaps. */
export async function versionBefore(db: Database, version: number): Promise<number | null> {
  const rows = db.selectFrom('catalogVersions').select('version').where('version', '<', version)
  return (await rows.orderBy('version', 'desc').limit(1).executeTakeFirst())?.version ?? null
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
