/**
 * The SQL of questions about usage. One statement ranks the groups by what they used in the whole span, which takes
 * one look at days, and then sums stretches for the groups to be told alone and for all others together.
 */
import type { Metric, UsageQuery, UsageValues } from '@headgate/admin-contract/usage-query'
import type { RateTable } from '@headgate/domain/exchange-rate'
import type { UsageDimension } from '@headgate/domain/rollup'
import { type RawBuilder, sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import {
  type BinColumn,
  binColumns,
  type CountColumn,
  countColumns,
  dimensionColumns,
  type SumColumn,
  sumColumns,
} from '../../database/rollup-tables.ts'
import { corrections, filterDimensions } from './corrections.ts'
import { noRates, type RateParts, ratePartsOf } from './rate-parts.ts'
import { cubesOf, rollupRows } from './rollup-rows.ts'
import { type SpanPlan, spanPlan } from './slices.ts'

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

/** What tells that there was something: calls, or money that was corrected. */
const present = ['calls', 'costNanos', 'priced', 'unpriced']
// What was added and taken away again was not there.
const isPresent = sql.join(
  present.map((column) => sql`sum(${sql.ref(column)}) <> 0`),
  sql` or `,
)

/** The columns that groups are ranked by. */
const metrics: Readonly<Record<Metric, readonly string[]>> = {
  calls: ['calls'],
  refused: ['refused'],
  failed: ['failed'],
  tokens: ['inputTokens', 'outputTokens'],
  cost: ['costNanos'],
}

/** Sums the spans. @param filter as the query has it; dimensions that are left out are not filtered by */
export async function sumUsage(
  db: Database,
  spans: readonly SpanPlan[],
  filter: UsageValues,
  question: Question,
): Promise<SumRow[]> {
  const columns = question.latency ? [...summed, ...Object.keys(binColumns)] : summed
  const dimensions = question.by.map((_, i) => sql.ref(`dimension${i}`))
  const names = list(dimensions)
  const joined =
    dimensions.length > 0 ? sql`join ranked using (${sql.join(dimensions)})` : sql`cross join ranked`
  const totals = spans.map(({ bounds }) => spanPlan([bounds[0] as number, bounds.at(-1) as number]))
  const series = seriesOf([...totals, ...spans], filter, question)
  const rated = await ratePartsOf(db, question.rates)
  const keys = ['currency', 'rank', ...rated.keys]
  const reading = { columns, ...series, keys, rated, join: sql`join ranks using (series_id)` }
  // Where nobody asks for stretches, what groups are ranked by is read with all that is told of them.
  const isWhole = spans.every(({ bounds }) => bounds.length === 2)
  const sums = sql.join(columns.map((column) => sql`sum(${sql.ref(column)}) as ${sql.ref(column)}`))
  const texts = sql.join(columns.map((column) => sql`sum(${sql.ref(column)})::text as ${sql.ref(column)}`))
  const stretches = sql`, told as (
      select span, bucket, currency, rank, ${rated.names} ${sums}
      from cells group by ${columnNames(['span', 'bucket', ...keys])}
    )`
  const inStretches = sql`, ranks as materialized (
      select id as series_id, currency, rank
      from (select id, currency, ${dimensionsOf(question.by)} cube from usage_series) as series ${joined}
      where cube = any(${cubesOf(spans, reading)})
    ), cells as (
      ${rollupRows(spans, reading)}
      union all
      select span, bucket, currency, rank, ${rated.names} ${columnNames(columns)}
      from (${corrections(spans, { by: question.by, filter, columns, rated })}) as corrected ${joined}
    )`
  const inOne = sql`, cells as (
      select span, 1 as bucket, currency, rank, ${rated.names} ${columnNames(columns)} from named ${joined}
    )`
  const ranked = ranking(totals, filter, { question, series, names, rated, told: isWhole ? columns : [] })
  const statement = sql<SumRow>`
    with ${ranked} ${isWhole ? inOne : inStretches}
    ${rated.keys.length === 0 ? sql`` : stretches}
    select ${names} sums.*, (select count(*) from ranked) as groups
    from (
      select span, bucket, currency, rank, ${texts} ${rated.told}
      from ${rated.keys.length === 0 ? sql`cells` : sql`told`} group by span, bucket, currency, rank having ${isPresent}
    ) as sums left join ranked using (rank)`
  return db.transaction().execute(async (transaction) => {
    // With less memory, tens of thousands of groups are sorted on disk; and compiling takes longer than it saves.
    // How many series there are is not known before they are read: taken for one, they are looked through in loops,
    // and rows by the ten thousand are put in order to be summed.
    await sql`select set_config('work_mem', '64MB', true), set_config('jit', 'off', true),
      set_config('hash_mem_multiplier', '8', true), set_config('enable_nestloop', 'off', true), set_config('enable_sort', 'off', true)`.execute(
      transaction,
    )
    return (await statement.execute(transaction)).rows
  })
}

type Parts = {
  readonly question: Question
  readonly series: ReturnType<typeof seriesOf>
  readonly names: RawBuilder<unknown>
  readonly rated: RateParts
  /** The columns that are told of each group without being read again. */
  readonly told: readonly string[]
}

/** `ranked` has the rank of each group. @param totals each span as one stretch */
function ranking(
  totals: readonly SpanPlan[],
  filter: UsageValues,
  { question, series, names, rated: asked, told }: Parts,
): RawBuilder<unknown> {
  const { by, metric, currency, limit } = question
  const rated = metric === 'cost' || told.length > 0 ? asked : noRates
  const columns = [...new Set([...present, ...metrics[metric], ...told])]
  const figures = columnNames(columns)
  const isRanked =
    metric === 'cost' && currency !== undefined ? sql`span = 0 and currency = ${currency}` : sql`span = 0`
  const used = sql.join(
    metrics[metric].map((column) => (column === 'costNanos' ? rated.worth : sql.ref(column))),
    sql` + `,
  )
  const grouped =
    by.length > 0 ? sql`group by ${sql.join(by.map((_, i) => sql.ref(`dimension${i}`)))}` : sql``
  return sql`${series.listed} totals as materialized (
      ${rollupRows(totals, { ...series, columns, rated, keys: ['seriesId', ...rated.keys], join: sql`` })}
    ), named as materialized (
      select span, currency, ${rated.names} ${dimensionsOf(by)} ${figures}
      from totals join usage_series on id = series_id where cube = any(${cubesOf(totals, { ...series, columns })})
      union all
      select span, currency, ${rated.names} ${names} ${figures}
      from (${corrections(totals, { by, filter, columns, rated })}) as corrected
    ), placed as (
      select ${names} row_number() over (
        order by coalesce(sum(${used}) filter (where ${isRanked}), 0) desc ${list(
          by.map((_, i) => sql.ref(`dimension${i}`)),
          'before',
        )}
      ) as place
      from named ${rated.worthJoin} ${grouped} having ${isPresent}
    ), ranked as materialized (
      select ${names} case when place <= ${limit} then place end as rank from placed
    )`
}

/** What a series stands for, as `dimension0` and so on, with a comma behind. */
function dimensionsOf(by: readonly UsageDimension[]): RawBuilder<unknown> {
  return list(
    by.map((dimension, i) => {
      const column = sql.ref(dimensionColumns[dimension].name)
      return sql`coalesce(${column}::text, '') as ${sql.ref(`dimension${i}`)}`
    }),
  )
}

/** Which series are read, as a list that is made once; and the dimensions that they must tell apart. */
function seriesOf(spans: readonly SpanPlan[], filter: UsageValues, { by, ofTeams, latency }: Question) {
  const wanted = Object.entries(filterDimensions).filter(([name]) => filter[name as keyof UsageValues])
  const needed = new Set<UsageDimension>([...by, ...wanted.map(([, dimension]) => dimension)])
  if (ofTeams) needed.add('team')
  if (wanted.length === 0 && !ofTeams) return { needed, listed: sql``, wanted: sql`` }
  const columns = latency ? Object.keys(binColumns) : []
  const cubes = [...cubesOf(spans, { needed, columns }), ...cubesOf(spans, { needed, columns: [] })]
  const conditions = wanted.map(([name, dimension]) => {
    const { name: column, type } = dimensionColumns[dimension]
    return sql`${sql.ref(column)} = any(${filter[name as keyof UsageValues] ?? []}::${sql.raw(type)}[])`
  })
  const all = sql.join([sql`cube = any(${cubes})`, ...conditions], sql` and `)
  return {
    needed,
    listed: sql`wanted as materialized (select array_agg(id) as ids from usage_series where ${all}),`,
    wanted: sql`and series_id = any((select ids from wanted)::int4[])`,
  }
}

function columnNames(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)))
}

/** With a comma behind it, or before it, unless it is empty. */
function list(
  parts: readonly RawBuilder<unknown>[],
  comma: 'behind' | 'before' = 'behind',
): RawBuilder<unknown> {
  if (parts.length === 0) return sql``
  return comma === 'behind' ? sql`${sql.join(parts)},` : sql`, ${sql.join(parts)}`
}
