/** The SQL of usage: records page by page, what is kept since when, names, and what the comparison found. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'
import { dimensionColumns } from '../../database/rollup-tables.ts'
import type { Tables } from '../../database/tables.ts'
import { recordOf } from '../../database/usage-row.ts'
import { filterDimensions } from './corrections.ts'
import type { KeptSince } from './slices.ts'

export async function listUsage(db: Database, query: PageQuery & UsageFilter) {
  let rows = db
    .selectFrom('usageRecords')
    .selectAll()
    .where((row) => matching(row, query))
    .orderBy('startedAt', 'desc')
    .orderBy('requestId', 'desc')
    .orderBy('attempt', 'desc')
    .limit(query.limit + 1)
  if (query.cursor !== undefined) {
    const [startedAt = '', requestId = '', attempt = ''] = positionAfter(query.cursor, 3)
    if (Number.isNaN(Date.parse(startedAt)) || !/^[0-9]{1,9}$/.test(attempt)) throw badCursor()
    rows = rows.where(
      sql<boolean>`(started_at, request_id, attempt) < (${startedAt}::timestamptz, ${requestId}, ${Number(attempt)})`,
    )
  }
  const page = toPage(await rows.execute(), query.limit, (row) => [
    row.startedAt,
    row.requestId,
    String(row.attempt),
  ])
  return { data: page.data.map(recordOf), page: page.page }
}

/** Since when each level of rollups is whole. */
export async function readKeptSince(db: Database): Promise<KeptSince> {
  const rows = await db
    .selectFrom('usagePartitioning')
    .select([
      'tableName',
      sql<number | null>`nullif(extract(epoch from kept_since), '-infinity')::float8 * 1000`.as('sinceMs'),
    ])
    .execute()
  const since = (table: string) =>
    rows.find((row) => row.tableName === table)?.sinceMs ?? Number.NEGATIVE_INFINITY
  return { minute: since('usage_minutes'), hour: since('usage_hours'), day: since('usage_days') }
}

/** What people call things, by their ids. */
export async function readNames(db: Database, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const tables = ['teams', 'apps', 'users', 'proxyKeys', 'deployments', 'resources'] as const
  const found = await Promise.all(
    tables.map((table) => db.selectFrom(table).select(['id', 'name']).where('id', 'in', ids).execute()),
  )
  return new Map(found.flat().map((it) => [it.id, it.name]))
}

/** Days whose sums were compared, latest first. */
export async function listChecks(db: Database, { cursor, limit }: PageQuery) {
  let rows = db
    .selectFrom('usageChecks')
    .select([sql<string>`day::text`.as('day'), 'checkedAt', 'calls', 'drifts'])
    .orderBy('usageChecks.day', 'desc')
    .limit(limit + 1)
  if (cursor !== undefined) {
    const [day = ''] = positionAfter(cursor, 1)
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) throw badCursor()
    rows = rows.where('usageChecks.day', '<', day)
  }
  return toPage(await rows.execute(), limit, (row) => [row.day])
}

function matching(row: ExpressionBuilder<Tables, 'usageRecords'>, filter: UsageFilter) {
  const conditions: Expression<SqlBool>[] = []
  if (filter.from !== undefined) conditions.push(row('startedAt', '>=', filter.from))
  if (filter.to !== undefined) conditions.push(row('startedAt', '<', filter.to))
  for (const [name, dimension] of Object.entries(filterDimensions)) {
    const wanted = filter[name as keyof typeof filterDimensions]
    if (wanted === undefined) continue
    const column = dimension === 'model' ? 'upstreamModel' : dimensionColumns[dimension].name
    const type = sql.raw(dimensionColumns[dimension].type)
    conditions.push(sql<boolean>`${sql.ref(column)} = any(${wanted}::${type}[])`)
  }
  return row.and(conditions)
}
