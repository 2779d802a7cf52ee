/**
 * Makes the rollups of a day anew from its records: for days that are older than the rollups themselves, and for
 * whoever has mended something by hand. Whoever wants a day rebuilt puts it into `usage_rebuilds`.
 */
import type { Log } from '@headgate/domain/ports'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { rollupTables } from '../database/rollup-tables.ts'
import type { UsageRow } from '../database/tables.ts'
import { recordOf } from '../database/usage-row.ts'
import type { Job } from './scheduler.ts'
import { REBUILD_LOCK } from './store-usage.ts'
import { addToRollups } from './usage-rollups.ts'
import { type UsageSeries, usageSeries } from './usage-series.ts'

const EVERY_MS = 30_000
const LOCK = 53
const PAGE = 5_000

export type RebuildPlan = { readonly db: Database; readonly log: Log }

export function rebuildUsage(plan: RebuildPlan): Job {
  return {
    name: 'rebuild-usage',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async (signal) => {
      const days = await sql<{ day: string }>`select day::text from usage_rebuilds order by day`.execute(
        plan.db,
      )
      for (const { day } of days.rows) if (!signal.aborted) await rebuildDay(plan, day)
    },
  }
}

/**
 * Rebuilds one day in one transaction; nothing is stored meanwhile, it waits.
 * @param day as `2026-11-24`, in UTC
 */
export async function rebuildDay({ db, log }: RebuildPlan, day: string): Promise<void> {
  const series = usageSeries(db)
  const calls = await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${REBUILD_LOCK[0]}, ${REBUILD_LOCK[1]})`.execute(transaction)
    for (const { name } of rollupTables) {
      await sql`delete from ${sql.table(name)} where at >= ${day}::date::timestamp at time zone 'UTC'
        and at < (${day}::date + 1)::timestamp at time zone 'UTC'`.execute(transaction)
    }
    const added = await addAll(transaction, day, series)
    await sql`delete from usage_rebuilds where day = ${day}::date`.execute(transaction)
    return added
  })
  log('info', 'made the rollups of a day anew', { day, calls })
}

async function addAll(db: Database, day: string, series: UsageSeries): Promise<number> {
  let calls = 0
  for (let last: UsageRecord | undefined; ; ) {
    const page = await pageAfter(db, day, last)
    if (page.length > 0) await addToRollups(db, page, await series.find(page))
    calls += page.length
    last = page.at(-1)
    if (last === undefined) return calls
  }
}

async function pageAfter(db: Database, day: string, last: UsageRecord | undefined): Promise<UsageRecord[]> {
  const after = last
    ? sql`(started_at, request_id, attempt) > (${last.startedAt}::timestamptz, ${last.requestId}, ${last.attempt})`
    : sql`true`
  const { rows } = await sql<UsageRow>`
    select * from usage_records where started_at >= ${day}::date::timestamp at time zone 'UTC'
      and started_at < (${day}::date + 1)::timestamp at time zone 'UTC' and ${after}
    order by started_at, request_id, attempt limit ${PAGE}`.execute(db)
  return rows.map(recordOf)
}
