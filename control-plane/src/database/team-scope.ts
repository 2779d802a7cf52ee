/**
 * The database as somebody sees it whose right is for some teams only: a schema of views beside the tables, each with
 * the rows of those teams (team-scope.sql). Whoever is scoped reads and writes through it, whatever the SQL, so no query
 * can forget to filter.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import pg from 'pg'
import type { Database } from './open.ts'

const FILE = new URL('./team-scope.sql', import.meta.url)
const MADE_LOCK = [7401, 2]

/** Makes the views, unless they are as they must be: after migrations, because a view keeps the columns it began with. */
export async function makeTeamScope(url: string): Promise<void> {
  const scope = { sql: await readFile(FILE, 'utf8') }
  const client = new pg.Client({ connectionString: url, application_name: 'headgate-migrate' })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query('begin')
    await client.query('select pg_advisory_xact_lock($1, $2)', MADE_LOCK)
    const { rows } = await client.query<{ made: string | null; latest: number; isThere: boolean }>(
      `select (select checksum from team_scope) as made, (select max(number) from schema_migrations) as latest,
        to_regnamespace('scoped') is not null as "isThere"`,
    )
    const [now] = rows
    const wanted = createHash('sha256').update(`${now?.latest} ${scope.sql}`).digest('hex')
    if (now?.made !== wanted || !now.isThere) {
      await client.query(scope.sql)
      await client.query('update team_scope set checksum = $1', [wanted])
    }
    await client.query('commit')
  } finally {
    await client.end().catch(() => {})
  }
}

/** Does a part of a transaction in the scope of these teams; null is no scope. */
export async function inTeamScope<T>(
  db: Database,
  teamIds: readonly string[] | null,
  work: () => Promise<T>,
): Promise<T> {
  if (teamIds === null) return work()
  const { rows: before } = await sql<{ path: string }>`select current_setting('search_path') as path`.execute(
    db,
  )
  await enter(db, { path: 'scoped', teamIds: teamIds.join(',') })
  const done = await work()
  // After a fault the transaction is rolled back, and its settings with it.
  await enter(db, { path: before[0]?.path ?? 'public', teamIds: '' })
  return done
}

async function enter(db: Database, to: { path: string; teamIds: string }): Promise<void> {
  await sql`select set_config('search_path', ${to.path}, true),
    set_config('headgate.team_ids', ${to.teamIds}, true)`.execute(db)
}
