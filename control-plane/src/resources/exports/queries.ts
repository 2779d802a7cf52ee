/** The SQL of exports. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { FileSidecar, UsageExport } from '@headgate/domain/usage-export'
import type { Database } from '../../database/open.ts'
import { pageById } from '../../database/page.ts'

const columns = [
  ...(['id', 'kind', 'format', 'question', 'state', 'createdAt', 'startedAt', 'endedAt'] as const),
  ...(['rows', 'bytes', 'sha256', 'fault', 'expiresAt'] as const),
]

export async function listExports(db: Database, query: PageQuery) {
  return pageById(db.selectFrom('usageExports').select(columns), query)
}

export function readExport(db: Database, id: string): Promise<UsageExport | undefined> {
  return db.selectFrom('usageExports').select(columns).where('id', '=', id).executeTakeFirst()
}

export function lockExport(db: Database, id: string): Promise<UsageExport | undefined> {
  return db.selectFrom('usageExports').select(columns).where('id', '=', id).forUpdate().executeTakeFirst()
}

export function insertExport(
  db: Database,
  it: Pick<UsageExport, 'id' | 'kind' | 'format' | 'question' | 'createdAt'> & { teamIds: string[] | null },
): Promise<UsageExport> {
  return db.insertInto('usageExports').values(it).returning(columns).executeTakeFirstOrThrow()
}

export async function cancelExport(db: Database, id: string, endedAt: string): Promise<UsageExport> {
  await db.deleteFrom('usageExportParts').where('exportId', '=', id).execute()
  return db
    .updateTable('usageExports')
    .set({ state: 'cancelled', endedAt })
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow()
}

/** Null while there is no file, and for files from before there were any. */
export async function readSidecar(db: Database, id: string): Promise<FileSidecar | null> {
  const row = await db.selectFrom('usageExports').select('sidecar').where('id', '=', id).executeTakeFirst()
  return row?.sidecar ?? null
}

/** A part of the file; parts are numbered from 0. */
export async function readPart(db: Database, id: string, number: number): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('usageExportParts')
    .select('content')
    .where('exportId', '=', id)
    .where('number', '=', number)
    .executeTakeFirst()
  return row?.content
}
