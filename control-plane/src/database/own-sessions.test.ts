/** A pooler that shares connections between transactions is found whatever else it serves, and a plain Postgres never is. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { hasOwnSessions, refuseSharedSessions } from './own-sessions.ts'

const opened: pg.Client[] = []
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(async () => {
  await Promise.all(opened.map((it) => it.end()))
  await database.drop()
})

async function backend(): Promise<pg.Client> {
  const client = new pg.Client(database.url)
  opened.push(client)
  await client.connect()
  return client
}

/** Pools real connections as PgBouncer does with `pool_mode=transaction`: the one given back last is the next taken. */
function transactionPooler(idle: pg.Client[]) {
  return async () => {
    let held: pg.Client | null = null
    return {
      query: async (text: string) => {
        const its = held ?? idle.pop() ?? (await backend())
        const answer = await its.query(text)
        held = text === 'begin' ? its : held
        if (held === null) idle.push(its)
        return answer
      },
      end: async () => {
        await held?.query('rollback')
        if (held !== null) idle.push(held)
        held = null
      },
    }
  }
}

test('Postgres itself is taken, and nothing is left connected', async () => {
  await refuseSharedSessions(`${database.url}?application_name=own-sessions`)
  const { rows } = await (await backend()).query(
    "select count(*)::int as open from pg_stat_activity where application_name = 'own-sessions'",
  )
  expect(rows).toEqual([{ open: 0 }])
})

test('a pooler of transactions is found when nobody else uses it', async () => {
  expect(await hasOwnSessions(transactionPooler([]))).toBe(false)
})

test('it is found when it has connections to spare', async () => {
  const spare = await Promise.all([backend(), backend(), backend()])
  expect(await hasOwnSessions(transactionPooler(spare))).toBe(false)
})
