/**
 * The shared test servers keep their promises: real, separate, and quick to take.
 */
import pg from 'pg'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { freshDatabase } from './fresh-database.ts'
import { freshRedisUrl, testRedisUrl } from './fresh-redis.ts'
import { ownPostgres, ownRedis } from './own-server.ts'
import { rounds } from './rounds.ts'

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return work(client).finally(() => client.end())
}

test('two fresh databases share nothing', async () => {
  const [one, two] = [await freshDatabase(), await freshDatabase()]
  await withClient(one.url, (client) => client.query('CREATE TABLE seen (here int)'))
  const found = await withClient(two.url, (client) => client.query("SELECT to_regclass('seen') AS table"))
  expect(found.rows).toEqual([{ table: null }])
  await one.drop()
  await two.drop()
})

test('a template is prepared once and every copy holds what it holds', async () => {
  let times = 0
  const prepare = {
    name: 'servers_test',
    run: async (url: string) => {
      times++
      await withClient(url, (client) => client.query('CREATE TABLE seen AS SELECT 1 AS here'))
    },
  }
  const copies = await Promise.all([freshDatabase(prepare), freshDatabase(prepare), freshDatabase(prepare)])
  for (const copy of copies) {
    const found = await withClient(copy.url, (client) => client.query('SELECT here FROM seen'))
    expect(found.rows).toEqual([{ here: 1 }])
    await copy.drop()
  }
  expect(times).toBe(1)
})

test('two fresh Redis databases share no keys, and neither is the shared one', async () => {
  const [one, two] = [await freshRedisUrl(), await freshRedisUrl()]
  expect(new Set([one, two, testRedisUrl()]).size).toBe(3)
  const [writer, reader] = [createClient({ url: one }), createClient({ url: two })]
  await Promise.all([writer.connect(), reader.connect()])
  await writer.set('seen', 'here')
  expect(await reader.get('seen')).toBeNull()
  writer.destroy()
  reader.destroy()
})

test('the test Redis is a real server that never drops a counter for want of room', async () => {
  const client = createClient({ url: await freshRedisUrl() })
  await client.connect()
  expect(await client.configGet('maxmemory-policy')).toEqual({ 'maxmemory-policy': 'noeviction' })
  client.destroy()
})

test('a usual run has the usual rounds, or a whole multiple of them', () => {
  expect(rounds(100) % 100).toBe(0)
})

test('a Redis of one’s own can be killed and comes back with its data', async () => {
  await using redis = await ownRedis()
  const write = createClient({ url: redis.current.url, socket: { reconnectStrategy: false } })
  write.on('error', () => {})
  await write.connect()
  await write.set('seen', 'here')
  await redis.kill()
  const again = await redis.restart()
  expect(again.url).toBe(redis.current.url)
  const read = createClient({ url: again.url })
  await read.connect()
  expect(await read.get('seen')).toBe('here')
  read.destroy()
})

test('a Postgres of one’s own can be killed and comes back with its data', async () => {
  await using postgres = await ownPostgres()
  await withClient(postgres.current.url, (client) => client.query('CREATE TABLE seen AS SELECT 1 AS here'))
  await postgres.kill()
  const again = await postgres.restart()
  const found = await withClient(again.url, (client) => client.query('SELECT here FROM seen'))
  expect(found.rows).toEqual([{ here: 1 }])
})
