/** What the database holds is what we read: whole numbers whole, instants to the last digit, or an error. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { databaseFault } from './fault.ts'
import { isoInstant, type OpenDatabase, openDatabase, safeInteger } from './open.ts'

let it: OpenDatabase
beforeAll(async () => {
  const { url } = await freshDatabase()
  it = openDatabase({ url, name: 'test', statementTimeoutMs: 300, connectionsMax: 2, log: () => {} })
})
afterAll(() => it.close())

test('64-bit integers are numbers as long as numbers can hold them', async () => {
  const { rows } = await sql<{ n: number }>`select 9007199254740991::int8 as n`.execute(it.db)
  expect(rows[0]?.n).toBe(Number.MAX_SAFE_INTEGER)
  await expect(sql`select 9007199254740993::int8 as n`.execute(it.db)).rejects.toThrow('9007199254740993')
  await expect(sql`select 1.5::numeric as n`.execute(it.db)).rejects.toThrow('1.5')
  expect((await sql`select 1 as n`.execute(it.db)).rows).toEqual([{ n: 1 }])
  expect(safeInteger('-7')).toBe(-7)
})

test('instants are ISO text in UTC with all their digits', async () => {
  const { rows } = await sql<{
    at: string
  }>`select '2026-11-23 23:30:08.123456+02'::timestamptz as at`.execute(it.db)
  expect(rows[0]?.at).toBe('2026-11-23T21:30:08.123456Z')
  expect(isoInstant('2026-01-02 03:04:05+00')).toBe('2026-01-02T03:04:05.000Z')
  expect(() => isoInstant('infinity')).toThrow(RangeError)
})

test('a statement that takes too long is ended, and that is no fault of the data', async () => {
  const slow = sql`select pg_sleep(5)`.execute(it.db)
  await expect(slow).rejects.toThrow()
  expect(databaseFault(await slow.catch((fault: unknown) => fault))?.kind).toBe('retry')
})

test('a database that cannot be reached is no fault of the data either', async () => {
  const away = openDatabase({
    url: 'postgres://a:b@127.0.0.1:1/c',
    name: 'test',
    statementTimeoutMs: 300,
    connectionsMax: 1,
    log: () => {},
  })
  const fault = await sql`select 1`.execute(away.db).catch((thrown: unknown) => thrown)
  expect(databaseFault(fault)?.kind).toBe('retry')
  await away.close()
})

test('a connection that breaks while it is held and silent ends nothing but itself', async () => {
  const other = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(it.db)
  expect(other.rows).toHaveLength(1)
  const held = it.db.connection().execute(async (db) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
    await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(it.db)
    await new Promise((resolve) => setTimeout(resolve, 100))
    return sql`select 1`.execute(db)
  })
  expect(databaseFault(await held.catch((fault: unknown) => fault))?.kind).toBe('retry')
  expect((await sql`select 1 as n`.execute(it.db)).rows).toEqual([{ n: 1 }])
})
