/** Usage that was stored before there were narrow days is summed into them as if it had been stored after. */
import { readFileSync } from 'node:fs'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { migratedDatabase } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { usageStore } from '../jobs/store-usage.ts'
import { type Database, openDatabase } from './open.ts'

const HOUR_MS = 3_600_000
const migration = readFileSync(new URL('./migrations/0013-narrow-days.sql', import.meta.url), 'utf8')
const conversion = migration.slice(migration.indexOf('create function narrow_usage'))
const tables = ['owner_days', 'mix_days', 'service_days', 'fleet_days', 'mix_hours', 'fleet_hours']
const all = tables.flatMap((name) => (name.startsWith('mix') ? [name] : [name, `${name}_bins`]))

test('what the migration sums is what a store would have stored, series by series', async () => {
  const { url } = await migratedDatabase()
  const db = openedDatabase(url)
  const now = Date.now()
  const records = Array.from({ length: 300 }, (_, n) =>
    usageRecord(n, { startedAt: new Date(now - n * HOUR_MS).toISOString(), ...oddOnes[n % oddOnes.length] }),
  )
  await usageStore(db).store(records)
  const stored = await contents(db)
  for (const name of all) await sql`delete from ${sql.table(`usage_${name}`)}`.execute(db)
  await sql`delete from usage_series where cube in ('mix', 'fleet')`.execute(db)
  expect((await contents(db)).flat()).toEqual([])
  await migrateAgain(url)
  expect(await contents(db)).toEqual(stored)
  expect(stored.every((rows) => rows.length > 10)).toBe(true)
})

/** Values that are missing, and letters beyond ASCII, are where digests made in two places would differ. */
const oddOnes: readonly Partial<UsageRecord>[] = [
  { alias: 'größer-☃' },
  { teamId: null, appId: null, deploymentId: null, alias: null, upstreamModel: null },
  { currency: 'EUR', errorCode: 'upstream_error', outcome: 'failed', status: 502 },
  { costState: 'unknown', costNanos: null, currency: null, priceId: null },
  {},
]

function openedDatabase(url: string): Database {
  const opened = openDatabase({
    ...{ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 2, log: () => {} },
  })
  onTestFinished(() => opened.close())
  return opened.db
}

async function migrateAgain(url: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`begin; ${conversion} commit`)
  await client.end()
}

/** Each table's rows, told by the digests of their series. */
function contents(db: Database): Promise<string[][]> {
  return Promise.all(
    all.map(async (name) => {
      const { rows } = await sql<{ row: string }>`
        select (to_jsonb(it) - 'series_id' || jsonb_build_object('series', signature))::text as row
        from ${sql.table(`usage_${name}`)} as it join usage_series on id = series_id order by 1`.execute(db)
      return rows.map(({ row }) => row)
    }),
  )
}
