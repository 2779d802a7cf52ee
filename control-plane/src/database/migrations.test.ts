/** What migrations do with rows that were there before them. */
import { idSource } from '@headgate/domain/id'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { migrate, readMigrations } from './migrate.ts'
import { openDatabase } from './open.ts'

test('a price of three figures becomes three lines that say the same, for any provider and without an end', async () => {
  const { url } = await freshDatabase()
  const all = await readMigrations()
  const before = all.filter((it) => it.number < 4)
  await migrate(url, () => {}, before)
  const { db, close } = openDatabase({
    url,
    name: 'test',
    statementTimeoutMs: 5000,
    connectionsMax: 1,
    log: () => {},
  })
  onTestFinished(close)
  const id = idSource()('pri', 0)
  await sql`insert into prices values (${id}, 'gpt', 'USD', 1000000000000000, 2, 3, '2026-01-01', '2026-01-02')`.execute(
    db,
  )
  await migrate(url, () => {}, all)
  const [price] = await db.selectFrom('prices').selectAll().execute()
  const line = { serviceTier: 'standard', aboveInputTokens: 0 }
  expect(price).toEqual({
    ...{ id, model: 'gpt', currency: 'USD', provider: null, isFree: false, effectiveTo: null, source: null },
    ...{ effectiveFrom: '2026-01-01T00:00:00.000Z', createdAt: '2026-01-02T00:00:00.000Z' },
    lines: [
      { kind: 'input', nanos: 1_000_000_000_000_000, ...line },
      { kind: 'cached_input', nanos: 2, ...line },
      { kind: 'output', nanos: 3, ...line },
    ],
  })
})
