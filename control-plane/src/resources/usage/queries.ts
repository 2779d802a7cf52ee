/** The SQL of usage records: reading them page by page, and summing them by one dimension. */
import type { PageQuery } from '@headgate/admin-contract/page'
import type { UsageDimension, UsageFilter } from '@headgate/admin-contract/usage'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { badCursor, positionAfter, toPage } from '../../database/page.ts'
import type { UsageRow } from '../../database/tables.ts'

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
    .where(matching(query))
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

/**
 * One row for each value and currency, with a number of values no larger than GROUPS_MAX + 1. Corrections of
 * re-ratings are counted to the costs, as entries without calls and tokens.
 */
export async function sumUsage(db: Database, filter: UsageFilter, by: UsageDimension): Promise<UsageGroup[]> {
  const value = groupedBy(by)
  const wanted = matching(filter)
  const { rows } = await sql<UsageGroup>`
    with entries as (
      select ${value} as value, currency, 1 as calls, input_tokens, cached_input_tokens, output_tokens,
        reasoning_tokens, (cost_state = 'unknown')::int as unpriced, cost_nanos as nanos
      from usage_records where ${wanted}
      union all
      select ${value}, currency, 0, 0, 0, 0, 0, -(newly_priced::int), nanos
      from cost_corrections where ${wanted}
    ), largest as (
      select value from entries group by 1 order by sum(calls) desc, 1 limit ${GROUPS_MAX + 1}
    )
    select value, currency, sum(calls) as calls, sum(input_tokens) as input,
      sum(cached_input_tokens) as "cachedInput", sum(output_tokens) as output, sum(reasoning_tokens) as reasoning,
      sum(unpriced) as unpriced, sum(nanos)::text as nanos
    from entries where exists (select from largest where largest.value is not distinct from entries.value)
    group by 1, 2`.execute(db)
  return rows
}

/** The column summed by; a day is the UTC day the call began. */
function groupedBy(by: UsageDimension): RawBuilder<string | null> {
  if (by === 'day') return sql<string>`to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')`
  return sql<string | null>`${sql.ref(columnOf[by])}`
}

function matching(filter: UsageFilter): RawBuilder<SqlBool> {
  const conditions: RawBuilder<unknown>[] = [sql`true`]
  if (filter.from !== undefined) conditions.push(sql`started_at >= ${filter.from}`)
  if (filter.to !== undefined) conditions.push(sql`started_at < ${filter.to}`)
  for (const column of ['teamId', 'appId', 'userId', 'keyId', 'alias', 'outcome'] as const) {
    const wanted = filter[column]
    if (wanted !== undefined) conditions.push(sql`${sql.ref(column)} = ${wanted}`)
  }
  return sql<SqlBool>`${sql.join(conditions, sql` and `)}`
}

/** A row as the record it was made of. */
export function recordOf(row: UsageRow): UsageRecord {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens, ...rest } = row
  const tokens = {
    input: inputTokens,
    cachedInput: cachedInputTokens,
    output: outputTokens,
    reasoning: reasoningTokens,
  }
  return { ...rest, tokens }
}
