/**
 * Brings a database to the shape this version needs: numbered SQL files, each once, each in a transaction of
 * its own, under a lock so that several processes may start at the same time.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type { Log } from '@headgate/domain/ports'
import pg from 'pg'

const FOLDER = new URL('./migrations/', import.meta.url)
const NAME = /^(\d{4})-[a-z0-9-]+\.sql$/
/** Told from other advisory locks by its first half, which is ours in all of them. */
const LOCK = [7401, 1]
const LOCK_WAIT_MS = 120_000
const LOCK_POLL_MS = 250

export type Migration = { readonly number: number; readonly name: string; readonly sql: string }

type Applied = { number: number; name: string; checksum: string }

/**
 * Applies what is missing.
 * @returns the names of what was applied
 * @throws Error when a file was changed after it was applied, when the database is newer than this version, or
 *   when a file fails; its transaction is rolled back then and the ones before stay.
 */
export async function migrate(url: string, log: Log, migrations?: readonly Migration[]): Promise<string[]> {
  const wanted = migrations ?? (await readMigrations())
  const client = new pg.Client({
    connectionString: url,
    application_name: 'headgate-migrate',
    connectionTimeoutMillis: 5_000,
  })
  // Without a listener a connection that breaks between two queries would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    await takeLock(client)
    await client.query(`create table if not exists schema_migrations (
      number integer primary key, name text not null, checksum text not null,
      applied_at timestamptz not null default now())`)
    const { rows } = await client.query<Applied>(
      'select number, name, checksum from schema_migrations order by number',
    )
    const missing = missingOf(wanted, rows)
    // Views would keep columns from being changed; whoever starts makes them anew.
    if (missing.length > 0) await client.query('drop schema if exists scoped cascade')
    for (const it of missing) {
      await apply(client, it)
      log('info', 'migrated the database', { migration: it.name })
    }
    return missing.map((it) => it.name)
  } finally {
    // The lock goes with the connection.
    await client.end().catch(() => {})
  }
}

/** The files beside this one, in order. */
export async function readMigrations(folder: URL = FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => {
      const number = Number(NAME.exec(name)?.[1] ?? Number.NaN)
      if (!Number.isInteger(number))
        throw new Error(`${name} is no name for a migration: write 0001-what.sql`)
      return { number, name, sql: await readFile(new URL(name, folder), 'utf8') }
    }),
  )
}

function missingOf(wanted: readonly Migration[], applied: readonly Applied[]): Migration[] {
  const known = new Map(wanted.map((it) => [it.number, it]))
  for (const it of applied) {
    const ours = known.get(it.number)
    if (ours === undefined)
      throw new Error(`the database is newer than this version (it has ${it.name}): start the newer version`)
    if (checksumOf(ours) !== it.checksum)
      throw new Error(
        `${ours.name} was changed after it was applied: restore it and add a new migration instead`,
      )
  }
  const done = new Set(applied.map((it) => it.number))
  return wanted.filter((it) => !done.has(it.number))
}

async function apply(client: pg.Client, it: Migration): Promise<void> {
  try {
    await client.query('begin')
    await client.query(it.sql)
    await client.query('insert into schema_migrations (number, name, checksum) values ($1, $2, $3)', [
      it.number,
      it.name,
      checksumOf(it),
    ])
    await client.query('commit')
  } catch (fault) {
    await client.query('rollback').catch(() => {})
    const reason = fault instanceof Error ? fault.message : String(fault)
    throw new Error(`${it.name} failed and was rolled back: ${reason}`, { cause: fault })
  }
}

/** Asked again and again instead of waited for, because a waiting statement has no sentence to end with. */
async function takeLock(client: pg.Client): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1, $2) as taken',
      LOCK,
    )
    if (rows[0]?.taken) return
    if (waitedMs >= LOCK_WAIT_MS)
      throw new Error(
        'another process has been migrating the database for two minutes: see what it waits for',
      )
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
}

function checksumOf(it: Migration): string {
  return createHash('sha256').update(it.sql).digest('hex')
}
