/**
 * Stores usage records: the record, the rollups, what budgets have spent and what sinks are to be given change in one
 * transaction, so that all of them tell the same. A record that was there already changes none of them.
 */
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { writeRecordBatch } from '../database/usage-batches.ts'
import { countSpend } from './count-spend.ts'
import { usagePartitions } from './usage-partitions.ts'
import { addToRollups } from './usage-rollups.ts'
import { insertUsage } from './usage-rows.ts'
import { usageSeries } from './usage-series.ts'

/** As the data plane writes instants. Postgres would also read `now` and `infinity`, at which no call began. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** Taken shared by whoever stores, alone by whoever makes rollups anew. */
export const REBUILD_LOCK = [7403, 1] as const

export type UsageStore = {
  /**
   * Stores all of the records or, when it throws, none.
   * @returns those that were not there before
   * @throws TypeError when a record is so wrong that it cannot be read; else what the database said
   */
  store(records: readonly UsageRecord[]): Promise<UsageRecord[]>
}

/** Makes the store. It remembers series and partitions, so one is made for the life of a process. */
export function usageStore(db: Database): UsageStore {
  const partitions = usagePartitions(db)
  const series = usageSeries(db)
  return {
    store: async (records) => {
      const nowMs = Date.now()
      await partitions.ensure(records.map(startOf), nowMs)
      const its = await series.find(records)
      return db.transaction().execute(async (transaction) => {
        await sql`select pg_advisory_xact_lock_shared(${REBUILD_LOCK[0]}, ${REBUILD_LOCK[1]})`.execute(
          transaction,
        )
        const inserted = await insertUsage(transaction, records)
        if (inserted.length > 0) await addToRollups(transaction, inserted, its)
        await countSpend(transaction, inserted, nowMs)
        await writeRecordBatch(transaction, inserted)
        return inserted
      })
    },
  }
}

function startOf(record: UsageRecord): number {
  if (!INSTANT.test(record.startedAt)) throw new TypeError('started_at is no instant in UTC')
  return Date.parse(record.startedAt)
}
