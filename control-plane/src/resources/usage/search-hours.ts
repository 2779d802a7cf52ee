/**
 * In which hours the calls of a search lie. Rollups tell it: they are written with the records, and are few. So a search
 * for what few calls have reads the hours that had any, instead of everything, and no index slows the storing down.
 */
import type { UsageFilter } from '@headgate/admin-contract/usage'
import { rollupMs, type UsageDimension } from '@headgate/domain/rollup'
import { sql } from 'kysely'
import type { Database } from '../../database/open.ts'
import { type Cube, dimensionColumns, type RollupTable, rollupTables } from '../../database/rollup-tables.ts'
import { filterDimensions } from './corrections.ts'
import type { Range } from './slices.ts'

/** So many hours are read for one page at most; the next page goes on before them. */
const HOURS_MAX = 48
/** How far is looked back, in turns: what is common is found in the first. */
const LOOKS_MS = [2, 16, 128].map((days) => days * rollupMs.day)

/** Dimensions with an index of their own: a search by one of them alone is quick without us. */
const indexed: ReadonlySet<UsageDimension> = new Set<UsageDimension>([
  ...(['team', 'app', 'user', 'key', 'alias', 'deployment', 'outcome', 'error_code'] as const),
])

export type SearchHours = {
  /** Latest first; neighbours are joined. */
  readonly ranges: readonly Range[]
  /** Whether no call lies before them. */
  readonly isAll: boolean
}

export type Search = {
  readonly filter: UsageFilter
  /** Before this instant. */
  readonly beforeMs: number
  /** How many calls are looked for. */
  readonly count: number
  /** Whoever asks sees some teams alone. */
  readonly ofTeams: boolean
}

/**
 * The hours to look through; null where looking through all is as good: nothing is asked that rollups tell, or what is
 * asked has an index, or rollups are not whole.
 */
export async function searchHours(db: Database, search: Search): Promise<SearchHours | null> {
  const { filter, ofTeams } = search
  const wanted = Object.entries(filterDimensions).flatMap(([name, dimension]) => {
    const values = filter[name as keyof typeof filterDimensions]
    return values === undefined ? [] : [{ dimension, values }]
  })
  const dimensions = wanted.map((it) => it.dimension)
  const isAlone = dimensions.length === 1 && dimensions.every((it) => indexed.has(it))
  const isRare = [filter.requestId, filter.minCostNanos, filter.minTotalMs].some((it) => it !== undefined)
  // Of client tags, rollups tell so many a day apart, not all.
  if (dimensions.length === 0 || isAlone || isRare || dimensions.includes('client_tag')) return null
  if (!(await areWhole(db, filter.from))) return null
  const table = hoursTable(ofTeams ? [...dimensions, 'team'] : dimensions)
  const series = await readSeries(db, table.cube, wanted)
  if (series.length === 0) return { ranges: [], isAll: true }
  return lookBack(search, (span) => readHours(db, table, { series, ...span }))
}

/** Whether there are rollups of all hours of which there are records. */
async function areWhole(db: Database, from: string | undefined): Promise<boolean> {
  const { rows } = await sql<{ areWhole: boolean }>`
    select not exists (select from usage_rebuilds)
      and greatest(records.kept_since, ${from ?? '-infinity'}::timestamptz) >= hours.kept_since as are_whole
    from usage_partitioning as hours, usage_partitioning as records
    where hours.table_name = 'usage_hours' and records.table_name = 'usage_records'`.execute(db)
  return rows[0]?.areWhole ?? false
}

/** The narrowest table of hours that tells these dimensions apart. */
function hoursTable(dimensions: readonly UsageDimension[]): RollupTable {
  const tells = (cube: Cube) => dimensions.every((it) => dimensionColumns[it].cubes.includes(cube))
  return rollupTables.find(
    (it) => it.level === 'hour' && it.holds === 'sums' && tells(it.cube),
  ) as RollupTable
}

type Hour = { readonly atMs: number; readonly calls: number }
type Span = { readonly fromMs: number | null; readonly beforeMs: number }

async function lookBack(
  { filter, beforeMs, count }: Search,
  read: (span: Span) => Promise<Hour[]>,
): Promise<SearchHours> {
  const floorMs = filter.from === undefined ? null : floorToHour(Date.parse(filter.from))
  for (const lookMs of LOOKS_MS) {
    const fromMs = floorToHour(beforeMs - lookMs)
    if (floorMs !== null && fromMs <= floorMs) break
    const hours = await read({ fromMs, beforeMs })
    const { ranges, isAll } = enoughOf(hours, count, beforeMs)
    // All hours of a look that are not enough: there may be more before it.
    if (!isAll) return { ranges, isAll }
  }
  return enoughOf(await read({ fromMs: floorMs, beforeMs }), count, beforeMs)
}

/** The latest hours that hold as many calls; `isAll` where that takes all of them. */
function enoughOf(hours: readonly Hour[], count: number, beforeMs: number): SearchHours {
  let calls = 0
  let taken = 0
  while (taken < hours.length && taken < HOURS_MAX && calls < count) {
    const hour = hours[taken++] as Hour
    // Of an hour that is cut short, nobody knows which calls are left.
    if (hour.atMs + rollupMs.hour <= beforeMs) calls += hour.calls
  }
  const ranges: Range[] = []
  for (const { atMs } of hours.slice(0, taken)) {
    const last = ranges.at(-1)
    if (last?.[0] === atMs + rollupMs.hour) ranges.splice(-1, 1, [atMs, last[1]])
    else ranges.push([atMs, atMs + rollupMs.hour])
  }
  return { ranges, isAll: taken === hours.length }
}

function floorToHour(instantMs: number): number {
  return Math.floor(instantMs / rollupMs.hour) * rollupMs.hour
}

/** The combinations of what is looked for that were ever seen; without any, nothing had it. */
async function readSeries(
  db: Database,
  cube: Cube,
  wanted: readonly { readonly dimension: UsageDimension; readonly values: readonly string[] }[],
): Promise<number[]> {
  const conditions = wanted.map(({ dimension, values }) => {
    const { name, type } = dimensionColumns[dimension]
    return sql`${sql.ref(name)} = any(${values}::${sql.raw(type)}[])`
  })
  const all = sql.join([sql`cube = ${cube}`, ...conditions], sql` and `)
  const { rows } = await sql<{ id: number }>`select id from usage_series where ${all}`.execute(db)
  return rows.map((it) => it.id)
}

async function readHours(
  db: Database,
  { name }: RollupTable,
  { series, fromMs, beforeMs }: Span & { readonly series: readonly number[] },
): Promise<Hour[]> {
  const from = fromMs === null ? '-infinity' : new Date(fromMs).toISOString()
  const { rows } = await sql<Hour>`
    select extract(epoch from at)::float8 * 1000 as at_ms, sum(calls)::int8 as calls
    from ${sql.table(name)}
    where at >= ${from}::timestamptz and at < ${new Date(beforeMs).toISOString()}::timestamptz
      and series_id = any(${series}::int4[])
    group by at order by at desc`.execute(db)
  return rows
}
