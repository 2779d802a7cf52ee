/** The catalog feed contract on memory and on a real Redis, and what only Redis can do wrong. */
import { expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { memoryCatalogFeed } from '../memory/catalog-feed.ts'
import { redisCatalogFeed } from '../redis/catalog-feed.ts'
import { connectRedis } from '../redis/client.ts'
import { catalogFeedContract } from './catalog-feed-contract.ts'
import { sampleCatalog } from './samples.ts'

const log = () => {}

catalogFeedContract('memory', async () => {
  const feed = memoryCatalogFeed()
  return { publisher: feed, reader: feed, close: async () => {} }
})

catalogFeedContract('redis', async () => {
  const url = await freshRedisUrl()
  const [one, two] = [await connectRedis(url, { log }), await connectRedis(url, { log })]
  return {
    publisher: redisCatalogFeed(one, { log }),
    reader: redisCatalogFeed(two, { log }),
    close: async () => void (await Promise.all([one.close(), two.close()])),
  }
})

async function openRedis() {
  const client = await connectRedis(await freshRedisUrl(), { log })
  onTestFinished(() => client.close())
  return { client, feed: redisCatalogFeed(client, { prefix: 'hg:' }) }
}

test('redis: a catalog whose bytes were changed is refused', async () => {
  const { client, feed } = await openRedis()
  await feed.publish(sampleCatalog(1, 'Platform'))
  const body = String(await client.send('hg:catalog', ['HGET', 'hg:catalog', 'body']))
  await client.send('hg:catalog', ['HSET', 'hg:catalog', 'body', body.replace('Platform', 'Platf0rm')])
  await expect(feed.newerThan(0)).rejects.toThrow('checksum')
})

test('redis: a catalog of a form we do not know is refused, and the error says where', async () => {
  const { feed } = await openRedis()
  await feed.publish({ ...sampleCatalog(1), teams: [{ id: 'team_x', name: '', allowedModels: null }] })
  await expect(feed.newerThan(0)).rejects.toThrow('teams.0.')
})

test('redis: publishing the same catalog twice is no news; another one under its number is told', async () => {
  const { client } = await openRedis()
  const told: string[] = []
  const feed = redisCatalogFeed(client, { prefix: 'hg:', log: (level) => told.push(level) })
  const catalog = sampleCatalog(1, 'Platform')
  await feed.publish(catalog)
  await feed.publish(catalog)
  expect(told).toEqual([])
  await feed.publish(sampleCatalog(1, 'Stranger'))
  expect(told).toEqual(['warn'])
})
