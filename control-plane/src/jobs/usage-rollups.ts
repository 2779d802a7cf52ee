/**
 * Adds records to the rollups. What one batch adds to a row is summed here first, so that each row is written
 * once a batch; rows are written in one order, so that two batches wait for each other but never in a circle.
 */
import { binOf, rollupMs } from '@headgate/domain/rollup'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { arrayLiteral } from '../database/array-literal.ts'
import { digitsOf } from '../database/bin-digits.ts'
import type { Database } from '../database/open.ts'
import {
  binColumns,
  countColumns,
  type RollupTable,
  rollupTables,
  sumColumns,
} from '../database/rollup-tables.ts'
import type { SeriesIds } from './usage-series.ts'

type Measure = { readonly column: string; readonly type: string; readonly of: (it: UsageRecord) => number }

const measures: readonly Measure[] = [
  ...Object.entries(countColumns).map(([column, of]) => ({ column, type: 'int4', of })),
  ...Object.entries(sumColumns).map(([column, of]) => ({ column, type: 'int8', of })),
]
const binned = Object.entries(binColumns).map(([column, of]) => ({ column, of }))

/** What a batch adds to one row. */
type Addition = {
  readonly atMs: number
  readonly seriesId: number
  readonly sums: (number | bigint)[]
  readonly bins: readonly Map<number, number>[]
}

/**
 * Adds records that were inserted in this transaction and are not in the rollups yet.
 * @param series of each of the records
 */
export async function addToRollups(
  db: Database,
  records: readonly UsageRecord[],
  series: ReadonlyMap<UsageRecord, SeriesIds>,
): Promise<void> {
  let additions: Addition[] = []
  for (const table of rollupTables) {
    // The bins of a table come right after its sums, and add to the same rows.
    if (table.holds === 'sums') additions = additionsOf(records, table, series)
    await write(db, table, additions)
  }
}

function additionsOf(
  records: readonly UsageRecord[],
  table: RollupTable,
  series: ReadonlyMap<UsageRecord, SeriesIds>,
): Addition[] {
  const lengthMs = rollupMs[table.level]
  const additions = new Map<string, Addition>()
  for (const record of records) {
    const atMs = Math.floor(Date.parse(record.startedAt) / lengthMs) * lengthMs
    const seriesId = (series.get(record) as SeriesIds)[table.cube]
    const place = `${atMs} ${seriesId}`
    let addition = additions.get(place)
    if (addition === undefined) {
      addition = { atMs, seriesId, sums: measures.map(() => 0), bins: binned.map(() => new Map()) }
      additions.set(place, addition)
    }
    add(addition, record)
  }
  return [...additions.values()].sort((a, b) => a.atMs - b.atMs || a.seriesId - b.seriesId)
}

function add({ sums, bins }: Addition, record: UsageRecord): void {
  for (let i = 0; i < measures.length; i++) {
    sums[i] = plus(sums[i] as number | bigint, (measures[i] as Measure).of(record))
  }
  for (let i = 0; i < binned.length; i++) {
    const value = binned[i]?.of(record) ?? null
    if (value === null) continue
    const bin = binOf(value)
    bins[i]?.set(bin, (bins[i]?.get(bin) ?? 0) + 1)
  }
}

/** Exact whatever the size: a hostile figure may bring a sum beyond what a number can hold. */
function plus(sum: number | bigint, value: number): number | bigint {
  if (typeof sum === 'bigint') return sum + BigInt(value)
  const next = sum + value
  return next <= Number.MAX_SAFE_INTEGER ? next : BigInt(sum) + BigInt(value)
}

async function write(
  db: Database,
  { name, holds }: RollupTable,
  additions: readonly Addition[],
): Promise<void> {
  const columns: [name: string, type: string, of: (it: Addition) => unknown][] = [
    ['at', 'timestamptz', (it) => new Date(it.atMs).toISOString()],
    ['seriesId', 'int4', (it) => it.seriesId],
  ]
  const added: typeof columns =
    holds === 'sums'
      ? measures.map(({ column, type }, i) => [column, type, (it) => it.sums[i]])
      : binned.map(({ column }, i) => [column, 'numeric', (it) => digitsOf(it.bins[i] ?? new Map())])
  const all = [...columns, ...added]
  const names = sql.join(all.map(([column]) => sql.ref(column)))
  const arrays = sql.join(
    all.map(([, type, of]) => sql`${arrayLiteral(additions.map(of))}::${sql.raw(type)}[]`),
  )
  const sets = sql.join(
    added.map(([column]) => {
      const there = sql.ref(`${name}.${column}`)
      return sql`${sql.ref(column)} = ${there} + ${sql.ref(`excluded.${column}`)}`
    }),
  )
  await sql`insert into ${sql.table(name)} (${names}) select * from unnest(${arrays})
    on conflict (at, series_id) do update set ${sets}`.execute(db)
}
