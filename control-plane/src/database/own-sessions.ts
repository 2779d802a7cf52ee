/**
 * What a connection is told holds for it alone and until it ends: whose teams a scoped read may see, which locks a job
 * holds. A pooler that gives each transaction another connection of Postgres breaks that without a sound, and would
 * show one team the things of another. So it is found at the start, and refused.
 */
import pg from 'pg'

const ASK_MS = 5_000
/** Transactions held open while the first connection asks again; beside other traffic one may not be enough. */
const HELD_MAX = 4
const BACKEND = 'select pg_backend_pid() as pid'

type Session = {
  query(text: string): Promise<{ rows: { pid?: number }[] }>
  end(): Promise<void>
}

/** @throws Error with what to do when sessions of this database are shared; or whatever connecting to it throws */
export async function refuseSharedSessions(url: string): Promise<void> {
  const connect = async (): Promise<Session> => {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: ASK_MS,
      query_timeout: ASK_MS,
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  if (!(await hasOwnSessions(connect)))
    throw new Error(
      'DATABASE_URL leads to a pooler that shares connections between transactions, through which teams would see each other: name the address of Postgres itself (port 5432, not 6432, in Azure), or set pool_mode to session',
    )
}

/** Whether a connection stays with the same process of Postgres while others are in transactions. */
export async function hasOwnSessions(connect: () => Promise<Session>): Promise<boolean> {
  const sessions: Session[] = []
  const open = async () => {
    const session = await connect()
    sessions.push(session)
    return session
  }
  try {
    const first = await open()
    const { rows: before } = await first.query(BACKEND)
    for (let held = 0; held < HELD_MAX; held++) {
      const other = await open()
      await other.query('begin')
      await other.query(BACKEND)
      const { rows: now } = await first.query(BACKEND)
      if (now[0]?.pid !== before[0]?.pid) return false
    }
    return true
  } finally {
    await Promise.allSettled(sessions.map((it) => it.end()))
  }
}
