/**
 * The SQL of questions about usage. One statement sums the slices of both spans by stretch and group, ranks the
 * groups by the first span, and puts those beyond the limit together.
 */
import type { Metric, UsageQuery, UsageValues } from '@headgate/admin-contract/usage-query'
import type { RateTable } from '@headgate/domain/exchange-rate'
import { RollupLevel, type UsageDimension } from '@headgate/domain/rollup'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import {
  type BinColumn,
  binColumns,
  type CountColumn,
  type Cube,
  countColumns,
  dimensionColumns,
  type RollupTable,
  rollupTables,
  type SumColumn,
  sumColumns,
} from '../../database/rollup-tables.ts'
import { corrections, filterDimensions } from './corrections.ts'
import { type RateParts, ratePartsOf } from './rate-parts.ts'
import type { Range, Share, SpanPlan } from './slices.ts'

/** All figures as text: sums may pass what a number can hold. */
export type SumRow = {
  /** 0 of the span asked for, 1 of the earlier one. */
  readonly span: number
  /** Which stretch, from 1. */
  readonly bucket: number
  /** From 1; null for the groups beyond the limit together. */
  readonly rank: number | null
  readonly groups: number
  readonly currency: string
  /** The cost by stretches of the rates, where costs are seen in one currency. */
  readonly rateStretches?: readonly number[]
  readonly rateNanos?: readonly string[]
  readonly [dimension: `dimension${number}`]: string | null
} & Readonly<Record<CountColumn | SumColumn, string>> &
  Readonly<Partial<Record<BinColumn, string>>>

type Question = Pick<UsageQuery, 'by' | 'metric' | 'currency' | 'latency' | 'limit'> & {
  /** Whoever asks sees some teams alone, so that only sums that tell teams apart are theirs. */
  readonly ofTeams: boolean
  /** By which costs are ranked and told apart; null where each currency is summed by itself alone. */
  readonly rates: RateTable | null
}

const summed = [...Object.keys(countColumns), ...Object.keys(sumColumns)]

const metrics: Readonly<Record<Exclude<Metric, 'cost'>, RawBuilder<unknown>>> = {
  calls: sql`calls`,
  refused: sql`refused`,
  failed: sql`failed`,
  tokens: sql`input_tokens + output_tokens`,
}

/** Sums the spans. @param filter as the query has it; dimensions that are left out are not filtered by */
export async function sumUsage(
  db: Database,
  spans: readonly SpanPlan[],
  filter: UsageValues,
  question: Question,
): Promise<SumRow[]> {
  const { by, limit, latency } = question
  const columns = latency ? [...summed, ...Object.keys(binColumns)] : summed
  const wanted = Object.entries(filterDimensions).filter(([name]) => filter[name as keyof UsageValues])
  const needed = new Set<UsageDimension>([...by, ...wanted.map(([, dimension]) => dimension)])
  if (question.ofTeams) needed.add('team')
  const dimensions = by.map((_, i) => sql.ref(`dimension${i}`))
  const values = by.map((dimension, i) => {
    const column = sql.ref(dimensionColumns[dimension].name)
    return sql`coalesce(${column}::text, '') as ${sql.ref(`dimension${i}`)}`
  })
  const names = sql.join(columns.map((column) => sql.ref(column)))
  const sums = sql.join(columns.map((column) => sql`sum(${sql.ref(column)}) as ${sql.ref(column)}`))
  const texts = sql.join(columns.map((column) => sql`sum(${sql.ref(column)})::text as ${sql.ref(column)}`))
  const least = dimensions.map((it) => sql`min(${it}) as ${it}`)
  const conditions = wanted.map(([name, dimension]) =>
    condition(dimension, filter[name as keyof UsageValues] ?? []),
  )
  const rated = await ratePartsOf(db, question.rates)
  const statement = sql<SumRow>`
    with entries as (
      select span, bucket, currency ${rated.column}, ${list(values)} ${names}
      from (${parts(spans, needed, { columns, rated })}) as slices join usage_series on id = series_id
      where ${sql.join([sql`cube = any(${cubesOf(needed, columns)})`, ...conditions], sql` and `)}
      union all ${corrections(spans, { by, filter, columns, rated })}
    ), cells as materialized (
      select span, bucket, currency ${rated.column}, ${list(dimensions)} ${sums}
      from entries group by span, bucket, currency ${rated.column} ${list(dimensions, 'before')}
      -- What was added and taken away again was not there.
      having sum(calls) <> 0 or sum(cost_nanos) <> 0 or sum(priced) <> 0 or sum(unpriced) <> 0
    ), placed as (
      select ${list(dimensions)}
        row_number() over (order by ${orderOf(question, rated)} desc ${list(dimensions, 'before')}) as place
      from cells ${rated.join} ${by.length > 0 ? sql`group by ${sql.join(dimensions)}` : sql``}
    ), ranked as (
      select ${list(dimensions)} case when place <= ${limit} then place end as rank from placed
    ), told as (
      select span, bucket, currency, rank ${rated.column}, ${list(least)} ${sums}
      from cells ${by.length > 0 ? sql`join ranked using (${sql.join(dimensions)})` : sql`cross join ranked`}
      group by span, bucket, currency, rank ${rated.column}
    )
    select span, bucket, currency, rank, (select count(*) from ranked) as groups, ${list(least)} ${texts} ${rated.told}
    from told group by span, bucket, currency, rank`
  return db.transaction().execute(async (transaction) => {
    // With less memory, tens of thousands of groups are sorted on disk; and compiling takes longer than it saves.
    await sql`select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
      set_config('hash_mem_multiplier', '8', true)`.execute(transaction)
    return (await statement.execute(transaction)).rows
  })
}

/** What groups are ranked by: their sums in the span asked for. */
function orderOf({ metric, currency }: Question, { worth }: RateParts): RawBuilder<unknown> {
  const isOne = metric === 'cost' && currency !== undefined
  const counts = isOne ? sql`span = 0 and currency = ${currency}` : sql`span = 0`
  return sql`coalesce(sum(${metric === 'cost' ? worth : metrics[metric]}) filter (where ${counts}), 0)`
}

/** With a comma behind it, or before it, unless it is empty. */
function list(
  parts: readonly RawBuilder<unknown>[],
  comma: 'behind' | 'before' = 'behind',
): RawBuilder<unknown> {
  if (parts.length === 0) return sql``
  return comma === 'behind' ? sql`${sql.join(parts)},` : sql`, ${sql.join(parts)}`
}

function condition(dimension: UsageDimension, values: readonly string[]): RawBuilder<unknown> {
  const { name, type } = dimensionColumns[dimension]
  return sql`${sql.ref(name)} = any(${values}::${sql.raw(type)}[])`
}

/** The rows of all slices, each with its span and stretch, and those that change sides. */
function parts(
  spans: readonly SpanPlan[],
  needed: ReadonlySet<UsageDimension>,
  { columns, rated }: Omit<Source, 'table'>,
): RawBuilder<unknown> {
  const selects = spans.flatMap((plan, span) =>
    RollupLevel.options.flatMap((level) =>
      tablesOf(level, needed, columns).flatMap((table) => [
        ...sliced(plan, span, { table, columns, rated }),
        ...moved(plan, span, { table, columns, rated }),
      ]),
    ),
  )
  if (selects.length > 0) return sql.join(selects, sql` union all `)
  const never = rated.of(sql`null::timestamptz`)
  return sql`select 0 as span, 1 as bucket ${never}, 0 as series_id, ${figures(columns, null)} where false`
}

type Source = {
  readonly table: RollupTable
  readonly columns: readonly string[]
  readonly rated: RateParts
}

function sliced(plan: SpanPlan, span: number, { table, columns, rated }: Source): RawBuilder<unknown>[] {
  const ranges = plan.slices[table.level]
  if (ranges.length === 0) return []
  const starts = plan.sliceBounds.slice(0, -1)
  const bucket = starts.length === 1 ? sql`1` : sql`width_bucket(at, ${starts.map(iso)}::timestamptz[])`
  return [
    sql`select ${span}::int as span, ${bucket} as bucket ${rated.of(sql`at`)}, series_id, ${figures(columns, table.holds)}
      from ${sql.table(table.name)} where ${within(ranges)}`,
  ]
}

/** Each range is looked up once; its rows are added to one stretch and taken from the one beside. */
function moved({ shares }: SpanPlan, span: number, { table, columns, rated }: Source): RawBuilder<unknown>[] {
  const its = shares.filter((it) => it.level === table.level)
  if (its.length === 0) return []
  const ranges = [...Map.groupBy(its, ({ range }) => range.join()).values()]
  const instants = (end: 0 | 1) => ranges.map(([share]) => iso((share as Share).range[end]))
  const stretches = (sign: Share['sign']) =>
    ranges.map((both) => both.find((it) => it.sign === sign)?.stretch ?? null)
  return [
    sql`select ${span}::int as span, stretch as bucket ${rated.of(sql`at`)}, series_id, ${figures(columns, table.holds, sql`sign * `)}
      from unnest(${instants(0)}::timestamptz[], ${instants(1)}::timestamptz[], ${stretches(1)}::int4[],
        ${stretches(-1)}::int4[]) as share (since, until, gains, loses)
      -- The fence makes Postgres look up each of the few ranges instead of reading the table.
      cross join lateral (select * from ${sql.table(table.name)} where at >= since and at < until offset 0) as moved
      cross join lateral (values (gains, 1), (loses, -1)) as side (stretch, sign) where stretch is not null`,
  ]
}

/** The columns that a table holds, and nothing for the others, whose figures come from its neighbour. */
function figures(
  columns: readonly string[],
  holds: RollupTable['holds'] | null,
  times = sql``,
): RawBuilder<unknown> {
  return sql.join(
    columns.map((column) => {
      const isBin = column in binColumns
      if (holds === (isBin ? 'bins' : 'sums')) return sql`${times}${sql.ref(column)} as ${sql.ref(column)}`
      const type = sql.raw(isBin ? 'numeric' : column in countColumns ? 'int4' : 'int8')
      return sql`0::${type} as ${sql.ref(column)}`
    }),
  )
}

/** The narrowest tables of a level that tell apart what must be: sums and, where asked for, bins. */
function tablesOf(
  level: RollupLevel,
  needed: ReadonlySet<UsageDimension>,
  columns: readonly string[],
): readonly RollupTable[] {
  const tells = (cube: Cube) => [...needed].every((it) => dimensionColumns[it].cubes.includes(cube))
  const fitting = rollupTables.filter((table) => table.level === level && tells(table.cube))
  const withBins = columns.some((column) => column in binColumns)
  const narrowest = fitting.find((it) => !withBins || it.holds === 'bins')?.cube
  return fitting.filter((it) => it.cube === narrowest && (it.holds === 'sums' || withBins))
}

/** The cubes that are read; all others need not be looked through for what a series stands for. */
function cubesOf(needed: ReadonlySet<UsageDimension>, columns: readonly string[]): Cube[] {
  return [
    ...new Set(RollupLevel.options.flatMap((level) => tablesOf(level, needed, columns)).map((it) => it.cube)),
  ]
}

function within(ranges: readonly Range[]): RawBuilder<unknown> {
  const each = ranges.map(
    ([fromMs, toMs]) => sql`(at >= ${iso(fromMs)}::timestamptz and at < ${iso(toMs)}::timestamptz)`,
  )
  return sql`(${sql.join(each, sql` or `)})`
}

function iso(instantMs: number): string {
  return new Date(instantMs).toISOString()
}
