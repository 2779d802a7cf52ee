/** The SQL of usage: which records a filter means, what is kept since when, names, and what the comparison found. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { bornAt } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'
import { dimensionColumns } from '../../database/rollup-tables.ts'
import type { Tables } from '../../database/tables.ts'
import { filterDimensions } from './corrections.ts'
import type { KeptSince } from './slices.ts'

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

const NAMES_KEPT = 5_000

/** What people call the things of records; what was asked for once is kept as long as whoever made this. */
export function nameReader(
  db: Database,
): (records: readonly UsageRecord[]) => Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  const asked = new Set<string>()
  return async (records) => {
    if (asked.size > NAMES_KEPT) {
      names.clear()
      asked.clear()
    }
    const ids = new Set(records.flatMap(idsOf).filter((id) => !asked.has(id)))
    for (const id of ids) asked.add(id)
    for (const [id, name] of await readNames(db, [...ids])) names.set(id, name)
    return names
  }
}

function idsOf(it: UsageRecord): string[] {
  const ids = [it.teamId, it.appId, it.userId, it.keyId, it.deploymentId, it.resourceId]
  return ids.filter((id) => id !== null)
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

/** The records of a filter, as a condition. */
export function matching(row: ExpressionBuilder<Tables, 'usageRecords'>, filter: UsageFilter) {
  const conditions: Expression<SqlBool>[] = rareConditions(row, filter)
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

/** What few records have. Each is said so that its index is seen to hold it. */
function rareConditions(row: ExpressionBuilder<Tables, 'usageRecords'>, filter: UsageFilter) {
  const { requestId, minCostNanos, minTotalMs } = filter
  const conditions: Expression<SqlBool>[] = []
  if (requestId !== undefined) {
    // An id says when its call arrived, so one partition is read; one that is made up names no instant, and no record.
    const at = bornAt(requestId)
    conditions.push(row('requestId', '=', requestId))
    conditions.push(at === null ? sql<boolean>`false` : row('startedAt', '=', at))
  }
  if (minCostNanos !== undefined) conditions.push(row('costNanos', '>=', minCostNanos))
  if (minCostNanos !== undefined && minCostNanos > 0) conditions.push(row('costNanos', '>', 0))
  if (minTotalMs !== undefined) conditions.push(row('totalMs', '>=', minTotalMs))
  return conditions
}
