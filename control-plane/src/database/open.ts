/**
 * Opens Postgres: a pool of connections with time limits, and Kysely over it. Instants come back as ISO text
 * with all their digits, 64-bit integers as numbers or, where a number cannot hold them, as an error.
 */
import type { Log } from '@headgate/domain/ports'
import { CamelCasePlugin, Kysely, PostgresDialect, type PostgresPool } from 'kysely'
import pg from 'pg'
import type { Tables } from './tables.ts'

const CONNECT_TIMEOUT_MS = 5_000
const IDLE_IN_TRANSACTION_MS = 15_000

export type Database = Kysely<Tables>

export type DatabasePlan = {
  readonly url: string
  /** Seen in pg_stat_activity. */
  readonly name: string
  /** 5 s for people, 15 s for jobs: nothing may hold a connection for ever. */
  readonly statementTimeoutMs: number
  readonly connectionsMax: number
  readonly log: Log
}

export type OpenDatabase = {
  readonly db: Database
  /** The same pool as it is for those whose right is for these teams only; see team-scope.ts. */
  scopedTo(teamIds: readonly string[]): Database
  close(): Promise<void>
}

/** Opens the pool. Nothing is connected yet: the first query does that, and each later one after a break. */
export function openDatabase(plan: DatabasePlan): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: plan.url,
    application_name: plan.name,
    max: plan.connectionsMax,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    statement_timeout: plan.statementTimeoutMs,
    lock_timeout: plan.statementTimeoutMs,
    // The server's own limits cannot help when it does not answer at all.
    query_timeout: plan.statementTimeoutMs + 2_000,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    options: '-c timezone=UTC -c datestyle=ISO',
    keepAlive: true,
    types: { getTypeParser },
  })
  let closing = false
  const broke = (fault: Error) => {
    if (!closing) plan.log('warn', 'a database connection broke', { reason: fault.message })
  }
  // A connection may break while nobody waits for it: idle in the pool, or held by a job or a transaction
  // between two statements. Each of the two needs its listener, else the process would end.
  pool.on('error', broke)
  pool.on('connect', (client) => client.on('error', broke))
  const db = over(pool)
  const close = () => {
    closing = true
    return db.destroy()
  }
  return { db, scopedTo: (teamIds) => over(scopedPool(pool, teamIds)), close }
}

function over(pool: PostgresPool): Database {
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool }),
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  })
}

/** Each connection sees only these teams as long as it is taken. One that cannot be set back is closed. */
function scopedPool(pool: pg.Pool, teamIds: readonly string[]): PostgresPool {
  const set = `select set_config('search_path', $1, false), set_config('headgate.team_ids', $2, false)`
  return {
    options: pool.options,
    end: async () => {},
    connect: async () => {
      const client = await pool.connect()
      const giveBack = client.release
      try {
        await client.query(set, ['scoped', teamIds.join(',')])
      } catch (fault) {
        giveBack.call(client, true)
        throw fault
      }
      client.release = () => {
        client.release = giveBack
        client.query('reset search_path; reset headgate.team_ids').then(
          () => giveBack.call(client),
          () => giveBack.call(client, true),
        )
      }
      return client
    },
  }
}

const parsers: ReadonlyMap<number, (text: string) => unknown> = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, safeInteger],
  [pg.types.builtins.NUMERIC, safeInteger],
  [pg.types.builtins.TIMESTAMPTZ, isoInstant],
])

function getTypeParser(oid: number, format?: 'text' | 'binary') {
  const own = format === 'binary' ? undefined : parsers.get(oid)
  return own ?? pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text')
}

/** @throws RangeError rather than give a number that is not the one stored. */
export function safeInteger(text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number))
    throw new RangeError(`the database holds ${text}, which no integer here can be`)
  return number
}

/** `2026-11-23 23:30:08.12+00` as `2026-11-23T23:30:08.120Z`; microseconds stay where there are some. */
export function isoInstant(text: string): string {
  const match = /^(\d{4,})-(\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d+))?\+00$/.exec(text)
  if (match === null) throw new RangeError(`the database holds an instant we cannot read: ${text}`)
  const [, year, day, time, fraction = ''] = match
  return `${year}-${day}T${time}.${fraction.padEnd(3, '0')}Z`
}
