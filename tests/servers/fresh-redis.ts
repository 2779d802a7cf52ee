/**
 * A numbered, empty Redis database for one test file, so that files running side by side cannot see each
 * other's keys. Channels of publish/subscribe are shared by all databases: hear only hints there, as we do.
 */
import { createClient } from 'redis'
import { inject } from 'vitest'

/** Where the run's Redis is: database 0, which no test may use. */
export function testRedisUrl(): string {
  return inject('redisUrl')
}

/** The URL of an empty database that no other caller in this run has. */
export async function freshRedisUrl(): Promise<string> {
  const client = createClient({ url: testRedisUrl() })
  await client.connect()
  try {
    const count = await client.incr('headgate-tests:databases-taken')
    const number = 1 + ((count - 1) % (inject('redisDatabases') - 1))
    await client.select(number)
    await client.flushDb()
    const url = new URL(testRedisUrl())
    url.pathname = `/${number}`
    return url.href
  } finally {
    client.destroy()
  }
}
