/**
 * Compares what the records of a day say with what each rollup says, to the nano, and keeps the result. Both
 * change in the same transactions, so any difference is a fault of ours; it is logged and never mended in silence.
 */
import type { Drift } from '@headgate/admin-contract/usage'
import type { Clock, Log } from '@headgate/domain/ports'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import {
  type CountColumn,
  MONEYLESS_CURRENCY,
  rollupTables,
  type SumColumn,
  sumColumns,
} from '../database/rollup-tables.ts'
import type { Job } from './scheduler.ts'
import { tableText } from './usage-partitions.ts'

const EVERY_MS = 60 * 60 * 1000
const LOCK = 52
const DAY_MS = 24 * 60 * 60 * 1000

export type CheckPlan = { readonly db: Database; readonly log: Log; readonly clock: Pick<Clock, 'nowMs'> }

const counted = {
  calls: sql`count(*)`,
  priced: sql`count(*) filter (where cost_state in ('priced', 'free'))`,
  unpriced: sql`count(*) filter (where cost_state = 'unknown')`,
  refused: sql`count(*) filter (where outcome = 'refused')`,
} as const satisfies Partial<Record<CountColumn, unknown>>

const measures = [...Object.keys(counted), ...Object.keys(sumColumns)] as (keyof typeof counted | SumColumn)[]

type Row = { tableName: string; currency: string } & Record<string, string>

/** Every hour: today, yesterday, and of all other days the one that was looked at longest ago. */
export function checkUsage(plan: CheckPlan): Job {
  return {
    name: 'check-usage',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async () => {
      const today = Math.floor(plan.clock.nowMs() / DAY_MS)
      const days = [today, today - 1].map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10))
      const oldest = await longestUnchecked(plan.db)
      if (oldest !== null && !days.includes(oldest)) days.push(oldest)
      for (const day of days) await checkDay(plan, day)
    },
  }
}

async function longestUnchecked(db: Database): Promise<string | null> {
  const { rows } = await sql<{ day: string }>`
    select kept.day::text from (
      select to_date(right(relname, 8), 'YYYYMMDD') as day from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'usage_records'::regclass and relname ~ '_[0-9]{8}$') as kept
    left join usage_checks on usage_checks.day = kept.day
    order by checked_at nulls first, kept.day limit 1`.execute(db)
  return rows[0]?.day ?? null
}

/**
 * Compares one day and keeps what was found.
 * @param day as `2026-11-24`, in UTC
 */
export async function checkDay({ db, log, clock }: CheckPlan, day: string): Promise<Drift[]> {
  const rows = await sumsOf(db, day)
  const records = rows.filter((row) => row.tableName === 'usage_records')
  const drifts = (await keptRollups(db, day)).flatMap((table) =>
    driftsOf(records, { table, rows: rows.filter((row) => row.tableName === table) }),
  )
  if (drifts.length > 0)
    log('error', 'rollups tell something else than the records', { day, drifts: drifts.length })
  const found = {
    checkedAt: new Date(clock.nowMs()).toISOString(),
    calls: records.reduce((sum, row) => sum + Number(row['calls']), 0),
    drifts: JSON.stringify(drifts),
  }
  await db
    .insertInto('usageChecks')
    .values({ day, ...found })
    .onConflict((conflict) => conflict.column('day').doUpdateSet(found))
    .execute()
  return drifts
}

/** All sums of the day in one statement, which sees all tables at one moment. */
async function sumsOf(db: Database, day: string): Promise<Row[]> {
  const from = sql`(${day}::date::timestamp at time zone 'UTC')`
  const to = sql`((${day}::date + 1)::timestamp at time zone 'UTC')`
  const ofRecords = measures.map((it) => (it in counted ? counted[it as keyof typeof counted] : sumOf(it)))
  const named = (expressions: readonly ReturnType<typeof sumOf>[]) =>
    sql.join(measures.map((it, i) => sql`(${expressions[i]})::text as ${sql.ref(it)}`))
  const parts = [
    sql`select 'usage_records' as table_name, coalesce(currency, ${MONEYLESS_CURRENCY}) as currency, ${named(ofRecords)}
      from usage_records where started_at >= ${from} and started_at < ${to} group by 2`,
    ...rollupTables
      .filter(({ holds }) => holds === 'sums')
      .map(
        ({ name }) => sql`select ${tableText(name)} as table_name, currency, ${named(measures.map(sumOf))}
        from ${sql.table(name)} join usage_series on id = series_id where at >= ${from} and at < ${to} group by 2`,
      ),
  ]
  return (await sql<Row>`${sql.join(parts, sql` union all `)}`.execute(db)).rows
}

function sumOf(column: string) {
  return sql`coalesce(sum(${sql.ref(column)}), 0)`
}

/** The rollup tables whose day is whole; from the others partitions may have been dropped. */
async function keptRollups(db: Database, day: string): Promise<string[]> {
  const { rows } = await sql<{ tableName: string }>`
    select table_name from usage_partitioning where table_name <> 'usage_records' and table_name not like '%_bins'
      and kept_since <= ${day}::date::timestamp at time zone 'UTC'
      and exists (select from usage_partitioning where table_name = 'usage_records'
        and kept_since <= ${day}::date::timestamp at time zone 'UTC')
    order by table_name`.execute(db)
  return rows.map((row) => row.tableName)
}

function driftsOf(
  records: readonly Row[],
  { table, rows }: { table: string; rows: readonly Row[] },
): Drift[] {
  const currencies = [...new Set([...records, ...rows].map((row) => row.currency))].sort()
  return currencies.flatMap((currency) => {
    const truth = records.find((row) => row.currency === currency)
    const told = rows.find((row) => row.currency === currency)
    return measures
      .map((measure) => ({
        ...{ table, currency, measure },
        ...{ records: truth?.[measure] ?? '0', rollup: told?.[measure] ?? '0' },
      }))
      .filter((it) => it.records !== it.rollup)
  })
}
