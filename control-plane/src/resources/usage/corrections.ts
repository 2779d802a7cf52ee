/**
 * Corrections of costs as entries beside the rollups: money without calls. They name who used it; what they do not
 * name is read from the record as long as that is kept.
 */
import type { UsageValues } from '@headgate/admin-contract/usage-query'
import type { UsageDimension } from '@headgate/domain/rollup'
import { type RawBuilder, sql } from 'kysely'
import { dimensionColumns, summedTypeOf } from '../../database/rollup-tables.ts'
import type { RateParts } from './rate-parts.ts'
import type { SpanPlan } from './slices.ts'

/** Which dimension each part of a filter is of. */
export const filterDimensions = {
  teamId: 'team',
  appId: 'app',
  userId: 'user',
  keyId: 'key',
  endpoint: 'endpoint',
  alias: 'alias',
  model: 'model',
  deploymentId: 'deployment',
  resourceId: 'resource',
  status: 'status',
  outcome: 'outcome',
  errorCode: 'error_code',
  clientTag: 'client_tag',
} as const satisfies Record<keyof UsageValues, UsageDimension>

type Wanted = {
  readonly by: readonly UsageDimension[]
  readonly filter: UsageValues
  readonly columns: readonly string[]
  readonly rated: RateParts
}

const told: Readonly<Record<UsageDimension, RawBuilder<unknown>>> = {
  team: sql`it.team_id`,
  app: sql`it.app_id`,
  user: sql`it.user_id`,
  key: sql`it.key_id`,
  endpoint: sql`it.endpoint`,
  alias: sql`it.alias`,
  deployment: sql`it.deployment_id`,
  outcome: sql`it.outcome`,
  model: sql`used.upstream_model`,
  resource: sql`used.resource_id`,
  status: sql`used.status`,
  error_code: sql`used.error_code`,
  client_tag: sql`public.counted_tag(it.team_id, it.started_at, used.client_tag)`,
}

const figures: Readonly<Record<string, RawBuilder<unknown>>> = {
  costNanos: sql`it.nanos`,
  priced: sql`it.newly_priced::int`,
  unpriced: sql`-(it.newly_priced::int)`,
}

/** The entries of all spans, each with its stretch, in the columns that sums have. */
export function corrections(
  spans: readonly SpanPlan[],
  { by, filter, columns, rated }: Wanted,
): RawBuilder<unknown> {
  const dimensions = by.map(
    (dimension, i) => sql`coalesce(${told[dimension]}::text, '') as ${sql.ref(`dimension${i}`)},`,
  )
  const values = columns.map((column) => {
    const type = sql.raw(summedTypeOf(column))
    return sql`${figures[column] ?? sql`0`}::${type} as ${sql.ref(column)}`
  })
  const conditions = Object.entries(filterDimensions).flatMap(([name, dimension]) => {
    const wanted = filter[name as keyof UsageValues]
    if (wanted === undefined) return []
    return [sql` and ${told[dimension]} = any(${wanted}::${sql.raw(dimensionColumns[dimension].type)}[])`]
  })
  const selects = spans.map(({ bounds }, span) => {
    const instants = bounds.map((it) => new Date(it).toISOString())
    return sql`select ${span}::int as span,
        width_bucket(it.started_at, ${instants.slice(0, -1)}::timestamptz[]) as bucket, it.currency ${rated.of(sql`it.started_at`)},
        ${sql.join(dimensions, sql` `)} ${sql.join(values)}
      from cost_corrections it left join usage_records used using (started_at, request_id, attempt)
      where it.started_at >= ${instants[0]}::timestamptz and it.started_at < ${instants.at(-1)}::timestamptz
        ${sql.join(conditions, sql` `)}`
  })
  return sql.join(selects, sql` union all `)
}
