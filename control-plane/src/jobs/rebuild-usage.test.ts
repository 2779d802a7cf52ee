/** Records stored before there were rollups stay what they were, and get theirs. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { migrate, readMigrations } from '../database/migrate.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import { checkDay } from './check-usage.ts'
import { rebuildUsage } from './rebuild-usage.ts'

const log = () => {}
const never = new AbortController().signal

let it: OpenDatabase
let url: string
beforeAll(async () => {
  url = (await freshDatabase()).url
  it = openDatabase({ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 3, log })
  await migrate(
    url,
    log,
    (await readMigrations()).filter(({ number }) => number < 5),
  )
})
afterAll(() => it.close())

test('records of an older version are moved into partitions and counted in rollups', async () => {
  await sql`insert into usage_records (request_id, attempt, started_at, endpoint, stream, status, outcome,
      input_tokens, cached_input_tokens, output_tokens, reasoning_tokens, usage_source, cost_nanos, cost_state,
      currency, request_bytes, reply_bytes, overhead_micros, total_ms)
    select 'req_' || n, 1, '2026-11-01 12:00Z'::timestamptz + n * '7 hours'::interval, 'chat-completions', true, 200,
      'succeeded', n, 0, n, 0, 'reported', n * 1000, 'priced', 'USD', 10, 10, 500, 100
    from generate_series(1, 50) n`.execute(it.db)
  await migrate(url, log)
  const kept = await it.db
    .selectFrom('usageRecords')
    .select((row) => [row.fn.countAll<number>().as('calls'), sql<string>`sum(cost_nanos)::text`.as('nanos')])
    .executeTakeFirst()
  expect(kept).toEqual({ calls: 50, nanos: '1275000' })
  const days = await sql<{ day: string }>`select day::text from usage_rebuilds order by day`.execute(it.db)
  expect(days.rows).toHaveLength(16)
  await rebuildUsage({ db: it.db, log }).run(never)
  const clock = { nowMs: () => Date.parse('2026-11-20T00:00:00Z') }
  for (const { day } of days.rows) expect(await checkDay({ db: it.db, log, clock }, day)).toEqual([])
  const rollups = await it.db
    .selectFrom('usageDays')
    .select(sql<string>`sum(cost_nanos)::text`.as('nanos'))
    .executeTakeFirst()
  expect(rollups?.nanos).toBe('1275000')
})
