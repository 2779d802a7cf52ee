/** The SQL of usage records: reading them page by page, and summing them by one dimension. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { UsageDimension, UsageFilter } from '@headgate/admin-contract/usage'
import { type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'
import type { Tables, UsageRow } from '../../database/tables.ts'
import { recordOf } from '../../database/usage-row.ts'

/** More groups than this are no summary; the smallest are left out and the reply says so. */
export const GROUPS_MAX = 1000

const columnOf = {
  team: 'teamId',
  app: 'appId',
  user: 'userId',
  key: 'keyId',
  alias: 'alias',
  deployment: 'deploymentId',
  endpoint: 'endpoint',
  outcome: 'outcome',
} as const satisfies Record<Exclude<UsageDimension, 'day'>, keyof UsageRow>

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

export type UsageGroup = {
  value: string | null
  currency: string | null
  calls: number
  input: number
  cachedInput: number
  output: number
  reasoning: number
  unpriced: number
  /** As text: a sum may be larger than a number can hold. */
  nanos: string | null
}

/** One row for each value and currency, with a number of values no larger than GROUPS_MAX + 1. */
export async function sumUsage(db: Database, filter: UsageFilter, by: UsageDimension): Promise<UsageGroup[]> {
  const value = groupedBy(by)
  const largest = db
    .selectFrom('usageRecords')
    .select(value.as('value'))
    .where((row) => matching(row, filter))
    .groupBy(sql`1`)
    .orderBy(sql`count(*)`, 'desc')
    .orderBy(sql`1`)
    .limit(GROUPS_MAX + 1)
  return db
    .with('largest', () => largest)
    .selectFrom('usageRecords')
    .select([
      value.as('value'),
      'currency',
      sql<number>`count(*)`.as('calls'),
      sql<number>`sum(input_tokens)`.as('input'),
      sql<number>`sum(cached_input_tokens)`.as('cachedInput'),
      sql<number>`sum(output_tokens)`.as('output'),
      sql<number>`sum(reasoning_tokens)`.as('reasoning'),
      sql<number>`count(*) filter (where cost_state = 'unknown')`.as('unpriced'),
      sql<string | null>`sum(cost_nanos)::text`.as('nanos'),
    ])
    .where((row) => matching(row, filter))
    .where(sql<boolean>`exists (select from largest where largest.value is not distinct from ${value})`)
    .groupBy([sql`1`, 'currency'])
    .execute()
}

/** The column summed by; a day is the UTC day the call began. */
function groupedBy(by: UsageDimension): RawBuilder<string | null> {
  if (by === 'day') return sql<string>`to_char(usage_records.started_at at time zone 'UTC', 'YYYY-MM-DD')`
  return sql<string | null>`${sql.ref(`usageRecords.${columnOf[by]}`)}`
}

function matching(row: ExpressionBuilder<Tables, 'usageRecords'>, filter: UsageFilter) {
  const conditions: Expression<SqlBool>[] = []
  if (filter.from !== undefined) conditions.push(row('startedAt', '>=', filter.from))
  if (filter.to !== undefined) conditions.push(row('startedAt', '<', filter.to))
  for (const column of ['teamId', 'appId', 'userId', 'keyId', 'alias', 'outcome'] as const) {
    const wanted = filter[column]
    if (wanted !== undefined) conditions.push(row(column, '=', wanted))
  }
  return row.and(conditions)
}
