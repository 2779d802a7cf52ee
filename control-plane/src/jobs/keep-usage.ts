/**
 * Keeps usage as long as the settings say. What is too old goes as whole partitions, which costs no more for
 * many rows than for few; and the partitions of tomorrow are made while nothing waits for them.
 */
import type { SomeSettings } from '@headgate/domain/organisation-setting'
import type { Clock, Log } from '@headgate/domain/ports'
import type { RollupLevel } from '@headgate/domain/rollup'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { readOrganisationSettings } from '../database/organisation-settings.ts'
import { rollupTables } from '../database/rollup-tables.ts'
import { expireBatches } from '../database/usage-batches.ts'
import type { Job } from './scheduler.ts'
import { tableText, usagePartitions } from './usage-partitions.ts'

const EVERY_MS = 10 * 60 * 1000
const LOCK = 51
const DAY_MS = 24 * 60 * 60 * 1000

/** How many days each is kept. */
export type UsageKeptDays = Readonly<Record<RollupLevel | 'records', number>>

type Plan = {
  readonly db: Database
  readonly log: Log
  readonly clock: Pick<Clock, 'nowMs'>
}

export type KeepPlan = Plan & { readonly keptDays: UsageKeptDays }

/** The job. How long each is kept is read anew each time. */
export function keepUsage(plan: Plan & { readonly fixedSettings: SomeSettings }): Job {
  return {
    name: 'keep-usage',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async () => {
      const it = await readOrganisationSettings(plan.db, plan.fixedSettings)
      const { keepRecordsDays: records, keepMinutesDays: minute } = it
      const { keepHoursDays: hour, keepDaysDays: day } = it
      await keepOnce({ ...plan, keptDays: { records, minute, hour, day } })
    },
  }
}

/** Makes the partitions to come and drops those that are too old. */
export async function keepOnce({ db, log, clock, keptDays }: KeepPlan): Promise<void> {
  const nowMs = clock.nowMs()
  await usagePartitions(db).ensure([], nowMs)
  const tables = [{ name: 'usageRecords', level: 'records' as const }, ...rollupTables]
  const recordsFrom = new Date((Math.floor(nowMs / DAY_MS) - keptDays.records) * DAY_MS).toISOString()
  await db.deleteFrom('usageTags').where('day', '<', recordsFrom.slice(0, 10)).execute()
  await db.deleteFrom('usageSinkRefusals').where('refusedAt', '<', recordsFrom).execute()
  for (const { name, entries } of await expireBatches(db, recordsFrom))
    log('error', 'a sink is so far behind that records it was not given are gone', { sink: name, entries })
  for (const { name, level } of tables) {
    const days = keptDays[level]
    const before = new Date((Math.floor(nowMs / DAY_MS) - days) * DAY_MS).toISOString()
    const { rows } = await sql<{ dropped: number }>`
      select drop_usage_partitions(${tableText(name)}, ${before}::timestamptz) as dropped`.execute(db)
    const dropped = rows[0]?.dropped ?? 0
    if (dropped > 0)
      log('info', 'dropped usage that is past its time', { table: name, partitions: dropped, days })
  }
}
