/** Migrations run once each, whole or not at all, whoever else starts at the same time. */
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { type Migration, migrate, readMigrations } from './migrate.ts'
import { openDatabase } from './open.ts'

const log = () => {}
const one: Migration = { number: 1, name: '0001-one.sql', sql: 'create table one (id int)' }
const two: Migration = {
  number: 2,
  name: '0002-two.sql',
  sql: 'create table two (id int); insert into two values (1)',
}

async function lookInto(url: string) {
  const { db, close } = openDatabase({ url, name: 'test', statementTimeoutMs: 5_000, connectionsMax: 1, log })
  onTestFinished(() => close())
  return db
}

test('each is applied once, and what came later is applied later', async () => {
  const { url } = await freshDatabase()
  expect(await migrate(url, log, [one])).toEqual([one.name])
  expect(await migrate(url, log, [one])).toEqual([])
  expect(await migrate(url, log, [one, two])).toEqual([two.name])
})

test('many processes that start at once apply each of them once', async () => {
  const { url } = await freshDatabase()
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(url, log, [one, two])))
  expect(applied.flat().sort()).toEqual([one.name, two.name])
})

test('one that fails leaves nothing of itself and keeps those before', async () => {
  const { url } = await freshDatabase()
  const broken = { number: 2, name: '0002-broken.sql', sql: 'create table half (id int); select 1/0' }
  await expect(migrate(url, log, [one, broken])).rejects.toThrow(/0002-broken.sql failed and was rolled back/)
  const db = await lookInto(url)
  const found = await sql<{ one: string | null; half: string | null }>`
    select to_regclass('one')::text as one, to_regclass('half')::text as half`.execute(db)
  expect(found.rows[0]).toEqual({ one: 'one', half: null })
  expect(await migrate(url, log, [one, two])).toEqual([two.name])
})

test('one that was changed after it was applied stops the start, and so does a newer database', async () => {
  const { url } = await freshDatabase()
  await migrate(url, log, [one, two])
  const changed = { ...one, sql: `${one.sql} -- changed` }
  await expect(migrate(url, log, [changed, two])).rejects.toThrow(
    '0001-one.sql was changed after it was applied',
  )
  await expect(migrate(url, log, [one])).rejects.toThrow('newer than this version (it has 0002-two.sql)')
})

test('ours are numbered without gaps and make every table with a primary key', async () => {
  const migrations = await readMigrations()
  expect(migrations.map((it) => it.number)).toEqual(migrations.map((_, index) => index + 1))
  const { url } = await freshDatabase()
  await migrate(url, log)
  const db = await lookInto(url)
  const bare = await sql`select t.table_name from information_schema.tables t
    where t.table_schema = 'public' and t.table_type = 'BASE TABLE' and not exists (select from information_schema.table_constraints c
      where c.table_name = t.table_name and c.constraint_type = 'PRIMARY KEY')`.execute(db)
  expect(bare.rows).toEqual([])
})
