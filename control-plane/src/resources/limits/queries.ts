/** The SQL of limits. */
import type { Page, PageQuery } from '@headgate/admin-contract/page'
import type { Limit } from '@headgate/domain/limit'
import { sql } from 'kysely'
import { listRows } from '../../database/list-rows.ts'
import type { Database } from '../../database/open.ts'

const columns = [
  'id',
  'teamId',
  'ownerId',
  'parentId',
  'quotaId',
  'model',
  'measure',
  'amount',
  'share',
  'guarantee',
  'borrows',
  'onOutage',
  'createdAt',
] as const satisfies readonly (keyof Limit)[]

export type LimitFilter = {
  teamId?: string | undefined
  ownerId?: string | undefined
  quotaId?: string | undefined
}
const filters = ['teamId', 'ownerId', 'quotaId'] as const

export function listLimits(db: Database, query: PageQuery): Promise<Page<Limit>> {
  return listRows<Limit>(db, { table: 'limits', columns }, query)
}

/** Up to so many limits, oldest first, so that parents come before their children. */
export function readLimits(db: Database, filter: LimitFilter, countMax: number): Promise<Limit[]> {
  let rows = db.selectFrom('limits').select(columns).orderBy('id').limit(countMax)
  for (const column of filters) {
    const wanted = filter[column]
    if (wanted !== undefined) rows = rows.where(column, '=', wanted)
  }
  return rows.execute()
}

export function readLimit(db: Database, id: string): Promise<Limit | undefined> {
  return db.selectFrom('limits').select(columns).where('id', '=', id).executeTakeFirst()
}

/** What the catalog holds: all but those of keys, which travel with their keys, unless something is guaranteed. */
export function readCatalogLimits(db: Database): Promise<Limit[]> {
  return db
    .selectFrom('limits')
    .select(columns)
    .where((it) => it.or([it('ownerKeyId', 'is', null), it('guarantee', 'is not', null)]))
    .orderBy('id')
    .execute()
}

/** Limits of keys, which no catalog holds, that are a part of a figure which their quota does not have. */
export function readUnfoundedKeyLimits(db: Database) {
  return db
    .selectFrom('limits')
    .innerJoin('quotas', 'quotas.id', 'limits.parentId')
    .select(['limits.id', 'limits.measure', 'limits.ownerId', 'quotas.name'])
    .where('limits.ownerKeyId', 'is not', null)
    .where((row) =>
      row.or([
        row('limits.measure', '=', 'requests_per_minute').and('quotas.requestsPerMinute', 'is', null),
        row('limits.measure', '=', 'tokens_per_minute').and('quotas.tokensPerMinute', 'is', null),
      ]),
    )
    .orderBy('limits.id')
    .limit(100)
    .execute()
}

/** The limits of these keys. */
export function readLimitsOfKeys(db: Database, keyIds: readonly string[]): Promise<Limit[]> {
  return db.selectFrom('limits').select(columns).where('ownerKeyId', 'in', keyIds).orderBy('id').execute()
}

export function insertLimit(db: Database, limit: Limit): Promise<Limit> {
  return db.insertInto('limits').values(limit).returning(columns).executeTakeFirstOrThrow()
}

export function updateLimit(
  db: Database,
  id: string,
  figures: Pick<Limit, 'amount' | 'share' | 'guarantee' | 'borrows' | 'onOutage'>,
): Promise<Limit> {
  return db
    .updateTable('limits')
    .set(figures)
    .where('id', '=', id)
    .returning(columns)
    .executeTakeFirstOrThrow()
}

export function deleteLimit(db: Database, id: string): Promise<Limit> {
  return db.deleteFrom('limits').where('id', '=', id).returning(columns).executeTakeFirstOrThrow()
}

/** True when other limits are a part of this one. */
export async function hasChildren(db: Database, id: string): Promise<boolean> {
  const child = await db
    .selectFrom('limits')
    .select('id')
    .where('parentId', '=', id)
    .limit(1)
    .executeTakeFirst()
  return child !== undefined
}

/** The shares of one parent in millionths, all but that of one limit. */
export async function sharesOf(
  db: Database,
  it: Pick<Limit, 'id' | 'parentId' | 'measure'>,
): Promise<number> {
  const row = await db
    .selectFrom('limits')
    .select(sql<number>`coalesce(sum(round(share * 1000000)), 0)::bigint`.as('millionths'))
    .where('parentId', '=', it.parentId)
    .where('measure', '=', it.measure)
    .where('id', '!=', it.id)
    .executeTakeFirstOrThrow()
  return row.millionths
}
