/**
 * A Postgres database for one test file, made from a template in a few milliseconds, so that files running
 * side by side cannot see each other.
 */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export type FreshDatabase = {
  readonly url: string
  /** Drops it, closing whatever connections are left. Needed only on a server that outlives the run. */
  drop(): Promise<void>
}

/** Makes a template ready, for example by running the migrations. Must have closed its connections at the end. */
export type Prepare = { readonly name: string; readonly run: (url: string) => Promise<void> }

/** Any number will do, as long as nothing else locks on it. */
const TEMPLATE_LOCK = 7_400_001

/** Where the run's Postgres is (superuser). */
function testPostgresUrl(): string {
  return inject('postgresUrl')
}

/**
 * A new database: empty, or a copy of the template that `prepare` made. The template is made once per run, by
 * whichever test file asks first, and told from others by its name.
 */
export async function freshDatabase(prepare?: Prepare): Promise<FreshDatabase> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await asSuperuser(async (client) => {
    const template = prepare ? await templateOf(prepare, client) : 'template0'
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  })
  return {
    url: urlOf(name),
    drop: () =>
      asSuperuser(async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      }),
  }
}

async function templateOf(prepare: Prepare, client: pg.Client): Promise<string> {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(prepare.name)) throw new Error('a template name is a-z, 0-9 and _')
  const name = `template_${prepare.name}`
  // Held until the copy is made as well: a template cannot be copied while someone is connected to it.
  await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
  if (found.rowCount) return name
  await client.query(`CREATE DATABASE ${name}_draft TEMPLATE template0`)
  await prepare.run(urlOf(`${name}_draft`))
  await client.query(`ALTER DATABASE ${name}_draft RENAME TO ${name}`)
  return name
}

/** The lock, if taken, goes with the connection. */
async function asSuperuser(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: testPostgresUrl() })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

function urlOf(database: string): string {
  const url = new URL(testPostgresUrl())
  url.pathname = `/${database}`
  return url.href
}
