/**
 * Makes partitions before rows need them: those of the instants at hand, and those of tomorrow. Instants far from
 * now get none (a wrong clock would make thousands); their rows lie in the default partition and count the same.
 */
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'
import { rollupTables } from '../database/rollup-tables.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const FUTURE_DAYS_MAX = 2
const PAST_DAYS_MAX = 400

const usageTables = ['usageRecords', ...rollupTables.map((table) => table.name)] as const

/** Knows which days have all their partitions, so that most calls ask nothing. */
export type UsagePartitions = {
  /** @param instants milliseconds since 1970; what is no instant is passed over */
  ensure(instants: Iterable<number>, nowMs: number): Promise<void>
}

export function usagePartitions(db: Database): UsagePartitions {
  const made = new Set<number>()
  return {
    ensure: async (instants, nowMs) => {
      const today = Math.floor(nowMs / DAY_MS)
      const wanted = new Set([today, today + 1])
      for (const instant of instants) wanted.add(Math.floor(instant / DAY_MS))
      for (const day of wanted) {
        if (made.has(day) || !(day >= today - PAST_DAYS_MAX && day <= today + FUTURE_DAYS_MAX)) continue
        await makePartitions(db, new Date(day * DAY_MS).toISOString())
        made.add(day)
      }
    },
  }
}

/** Each in a transaction of its own: it waits for readers of the default partition, and should hold up no others. */
async function makePartitions(db: Database, instant: string): Promise<void> {
  for (const table of usageTables) {
    await sql`select make_usage_partition(${tableText(table)}, ${instant}::timestamptz)`.execute(db)
  }
}

/** The name as Postgres knows it. */
export function tableText(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
