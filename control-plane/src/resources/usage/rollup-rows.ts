/**
 * The rows of rollups that a plan reads, summed by stretch and by what the question tells apart. Each part is summed
 * where it is read: tens of thousands of rows become some hundred before parts are put together.
 */
import { RollupLevel, type UsageDimension } from '@headgate/domain/rollup'
import { type RawBuilder, sql } from 'kysely'
import {
  binColumns,
  type Cube,
  dimensionColumns,
  type RollupTable,
  rollupTables,
  summedTypeOf,
} from '../../database/rollup-tables.ts'
import type { RateParts } from './rate-parts.ts'
import type { Range, Share, SpanPlan } from './slices.ts'

/** What is read, and how it is told apart. */
export type Reading = {
  /** The columns to sum. */
  readonly columns: readonly string[]
  /** The dimensions that the rows must tell apart, by which the narrowest table is chosen. */
  readonly needed: ReadonlySet<UsageDimension>
  /** The columns that rows are summed by, beside span and stretch. */
  readonly keys: readonly string[]
  /** What is joined by `series_id` to have the keys; nothing where rows have them. */
  readonly join: RawBuilder<unknown>
  /** Which series are read; nothing where it is all of them. */
  readonly wanted: RawBuilder<unknown>
  /** Makes a key out of the instant of a row, where costs are told apart by exchange rates. */
  readonly rated: RateParts
}

/** Sums of the parts of all spans: `span`, `bucket`, the keys, the columns. Equal keys may come from several parts. */
export function rollupRows(spans: readonly SpanPlan[], reading: Reading): RawBuilder<unknown> {
  const parts = spans.flatMap((plan, span) =>
    RollupLevel.options.flatMap((level) =>
      tablesOf(level, reading).flatMap((table) => [
        ...sliced({ plan, span, table }, reading),
        ...moved({ plan, span, table }, reading),
      ]),
    ),
  )
  return sql.join(parts, sql` union all `)
}

type Part = { readonly plan: SpanPlan; readonly span: number; readonly table: RollupTable }

function sliced({ plan, span, table }: Part, reading: Reading): RawBuilder<unknown>[] {
  const ranges = plan.slices[table.level]
  if (ranges.length === 0) return []
  const starts = plan.sliceBounds.slice(0, -1)
  const bucket = starts.length === 1 ? sql`1` : sql`width_bucket(at, ${starts.map(iso)}::timestamptz[])`
  const keys = namesOf(reading.keys)
  return [
    sql`select ${span}::int as span, bucket, ${keys}, ${sums(reading.columns, table)}
      from (select *, ${bucket} as bucket ${reading.rated.of(sql`at`)} from ${sql.table(table.name)} where ${within(ranges)} ${reading.wanted}) as slices
        ${reading.join} group by bucket, ${keys}`,
  ]
}

/** Each range is looked up once; its sums are added to one stretch and taken from the one beside. */
function moved({ plan, span, table }: Part, reading: Reading): RawBuilder<unknown>[] {
  const its = plan.shares.filter((it) => it.level === table.level)
  if (its.length === 0) return []
  const looks = [...Map.groupBy(its, ({ range }) => range.join()).values()].flatMap(looksAt)
  const instants = (end: 0 | 1) => looks.map(({ range }) => iso(range[end]))
  const keys = namesOf(reading.keys)
  const signed = reading.columns.map((column) => sql`sign * ${sql.ref(column)} as ${sql.ref(column)}`)
  return [
    sql`select ${span}::int as span, stretch as bucket, ${keys}, ${sql.join(signed)}
      from (select gains, loses, ${keys}, ${sums(reading.columns, table)}
        from unnest(${instants(0)}::timestamptz[], ${instants(1)}::timestamptz[], ${looks.map((it) => it.gains)}::int4[],
          ${looks.map((it) => it.loses)}::int4[]) as share (since, until, gains, loses)
        -- The fence makes Postgres look up each of the few ranges instead of reading the table.
        cross join lateral (
          select * ${reading.rated.of(sql`at`)} from ${sql.table(table.name)} where at >= since and at < until ${reading.wanted} offset 0
        ) as slices ${reading.join} group by gains, loses, ${keys}) as shares
      cross join lateral (values (gains, 1), (loses, -1)) as side (stretch, sign) where stretch is not null`,
  ]
}

type Look = { readonly range: Range; readonly gains: number | null; readonly loses: number | null }

/** A range as often as it must be read. What a stretch gains at one bound and loses at the other is left where it is. */
function looksAt(shares: readonly Share[]): Look[] {
  const net = new Map<number, number>()
  for (const { stretch, sign } of shares) net.set(stretch, (net.get(stretch) ?? 0) + sign)
  const [gaining, losing] = [1, -1].map((sign) =>
    [...net].filter(([, its]) => its === sign).map(([it]) => it),
  )
  const { range } = shares[0] as Share
  return Array.from({ length: Math.max(gaining?.length ?? 0, losing?.length ?? 0) }, (_, i) => ({
    ...{ range, gains: gaining?.[i] ?? null, loses: losing?.[i] ?? null },
  }))
}

/** The columns that a table holds, and nothing for the others, whose figures come from its neighbour. */
function sums(columns: readonly string[], { holds }: RollupTable): RawBuilder<unknown> {
  return sql.join(
    columns.map((column) => {
      const isHeld = holds === (column in binColumns ? 'bins' : 'sums')
      return sql`${isHeld ? sql`sum(${sql.ref(column)})` : sql`0`}::${sql.raw(summedTypeOf(column))} as ${sql.ref(column)}`
    }),
  )
}

/** The narrowest tables of a level that tell apart what must be: sums and, where asked for, bins. */
function tablesOf(level: RollupLevel, { needed, columns }: Pick<Reading, 'needed' | 'columns'>) {
  const tells = (cube: Cube) => [...needed].every((it) => dimensionColumns[it].cubes.includes(cube))
  const fitting = rollupTables.filter((table) => table.level === level && tells(table.cube))
  const withBins = columns.some((column) => column in binColumns)
  const narrowest = fitting.find((it) => !withBins || it.holds === 'bins')?.cube
  return fitting.filter((it) => it.cube === narrowest && (it.holds === 'sums' || withBins))
}

/** The cubes that plans read; all others need not be looked through for what a series stands for. */
export function cubesOf(
  spans: readonly SpanPlan[],
  reading: Pick<Reading, 'needed' | 'columns'>,
): readonly Cube[] {
  const levels = RollupLevel.options.filter((level) =>
    spans.some(({ slices, shares }) => slices[level].length > 0 || shares.some((it) => it.level === level)),
  )
  return [...new Set(levels.flatMap((level) => tablesOf(level, reading)).map((it) => it.cube))]
}

function within(ranges: readonly Range[]): RawBuilder<unknown> {
  const each = ranges.map(
    ([fromMs, toMs]) => sql`(at >= ${iso(fromMs)}::timestamptz and at < ${iso(toMs)}::timestamptz)`,
  )
  return sql`(${sql.join(each, sql` or `)})`
}

function namesOf(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map((column) => sql.ref(column)))
}

function iso(instantMs: number): string {
  return new Date(instantMs).toISOString()
}
