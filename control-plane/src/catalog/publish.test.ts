/** What is committed gets published, whatever happened between the two. */
import { memoryCatalogFeed } from '@headgate/adapters/memory/catalog-feed'
import { memoryKeyDirectory } from '@headgate/adapters/memory/key-directory'
import type { CatalogFeed, KeyPublisher } from '@headgate/domain/ports'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import {
  digestKey,
  memoryPorts,
  startTestPlane,
  systemClock,
  type TestPlane,
  until,
} from '../../../tests/admin/harness.ts'
import { catalogPublisher } from './publish.ts'
import { keysPublisher } from './publish-keys.ts'

async function planeWith(ports: Parameters<typeof startTestPlane>[0] = {}): Promise<TestPlane> {
  const it = await startTestPlane(ports)
  onTestFinished(() => it.stop())
  return it
}

function publisherOf(it: TestPlane, feed: CatalogFeed, onEmptyFeed = async () => {}) {
  return catalogPublisher({ db: it.db, feed, onEmptyFeed, clock: systemClock, log: () => {} })
}

async function keyOf(it: TestPlane, name: string) {
  const team = await it.client.teams.create({ body: { name } })
  const app = await it.client.apps.create({ body: { name, teamId: team.id } })
  return it.client.keys.create({ body: { name, appId: app.id } })
}

test('a first start publishes an empty catalog, so that gateways become ready', async () => {
  const it = await planeWith()
  await until(async () => (await it.ports.catalogFeed.newerThan(0)) !== null, 'the first catalog')
  expect(await it.client.catalog.read()).toMatchObject({ version: 1, author: 'system' })
})

test('an emptied feed gets the catalog and every key again, the keys first', async () => {
  const it = await planeWith()
  const keys = await Promise.all(['a', 'b', 'c'].map((name) => keyOf(it, name)))
  const feed = memoryCatalogFeed()
  const directory = memoryKeyDirectory()
  const order: string[] = []
  const publisher: Pick<KeyPublisher, 'put'> = {
    put: async (records) => {
      order.push('keys')
      await directory.put(records)
    },
  }
  const spied: CatalogFeed = {
    ...feed,
    publish: async (document) => {
      order.push('catalog')
      await feed.publish(document)
    },
  }
  const { signal } = new AbortController()
  const keysOut = keysPublisher({ db: it.db, publisher, log: () => {} })
  await publisherOf(it, spied, () => keysOut.publishAll(signal)).heal()
  expect(order).toEqual(['keys', 'catalog'])
  for (const key of keys) expect(directory.find(digestKey(key.secret))).toMatchObject({ id: key.id })
  expect((await feed.newerThan(0))?.version).toBe((await it.client.catalog.read()).version)
})

test('a feed that is whole is left alone', async () => {
  const it = await planeWith()
  const feed = memoryCatalogFeed()
  let published = 0
  const counting: CatalogFeed = {
    ...feed,
    publish: (document) => feed.publish(document).then(() => void published++),
  }
  const publisher = publisherOf(it, counting)
  for (let i = 0; i < 3; i++) await publisher.heal()
  expect(published).toBe(1)
})

test('a catalog published from elsewhere, under our number or a later one, is overtaken by the truth', async () => {
  const it = await planeWith()
  await it.client.teams.create({ body: { name: 'truth' } })
  const ours = (await it.ports.catalogFeed.newerThan(0))!
  for (const version of [ours.version, ours.version + 40]) {
    const feed = memoryCatalogFeed()
    await feed.publish({ ...ours, version, compiledAt: '2020-01-01T00:00:00.000Z', teams: [] })
    await publisherOf(it, feed).heal()
    const now = await feed.newerThan(0)
    expect(now?.version).toBe((await it.client.catalog.read()).version)
    expect(now?.version).toBeGreaterThan(version)
    expect(now?.teams.map((team) => team.name)).toEqual(['truth'])
  }
})

test('a damaged feed is overtaken, and a feed that is away changes no version', async () => {
  const it = await planeWith()
  const feed = memoryCatalogFeed()
  let damaged = true
  const version = (await it.client.catalog.read()).version
  const torn: CatalogFeed = {
    ...feed,
    newerThan: async (than) => {
      if (damaged) throw new Error('the checksum does not match')
      return feed.newerThan(than)
    },
    publish: async (document) => {
      // Keeps what it has under the same number, as Redis does.
      if (document.version > version) damaged = false
      await feed.publish(document)
    },
  }
  await publisherOf(it, torn).heal()
  expect((await it.client.catalog.read()).version).toBe(version + 1)
  const fault = async () => {
    throw new Error('away')
  }
  const away: CatalogFeed = { ...feed, newerThan: fault, publish: fault }
  await expect(publisherOf(it, away).heal()).rejects.toThrow('away')
  expect((await it.client.catalog.read()).version).toBe(version + 1)
})

test('a catalog edited in the database is not published', async () => {
  const it = await planeWith()
  await sql`update catalog_versions set document = jsonb_set(document, '{teams}', '[{"x":1}]')`.execute(it.db)
  const feed = memoryCatalogFeed()
  await expect(publisherOf(it, feed).heal()).rejects.toThrow('was changed in the database')
  expect(await feed.newerThan(0)).toBeNull()
})

test('a key that did not reach the directory is committed all the same, and reaches it by itself', async () => {
  const ports = memoryPorts()
  let away = true
  const flaky = {
    ...ports.keyPublisher,
    put: async (records: Parameters<KeyPublisher['put']>[0]) => {
      if (away) throw new Error('the directory is away')
      await ports.keyPublisher.put(records)
    },
  }
  const it = await planeWith({ ports: { keyPublisher: flaky } })
  const key = await keyOf(it, 'late')
  expect(ports.keyPublisher.find(digestKey(key.secret))).toBeNull()
  expect(it.logLines.some((line) => line.message.startsWith('committed but not published'))).toBe(true)
  away = false
  await until(() => ports.keyPublisher.find(digestKey(key.secret)) !== null, 'the job to publish the key')
})

test('a slow publisher cannot put an old record over a revocation', async () => {
  const it = await planeWith()
  const key = await keyOf(it, 'race')
  const states: string[] = []
  const held = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  const slow = keysPublisher({
    db: it.db,
    log: () => {},
    publisher: {
      put: async (records) => {
        entered.resolve()
        await held.promise
        states.push(records[0]!.state)
      },
    },
  })
  const publishing = slow.publish([key.id])
  await entered.promise
  const revoking = it.client.keys.revoke({ params: { keyId: key.id } })
  await new Promise((resolve) => setTimeout(resolve, 200))
  held.resolve()
  await Promise.all([publishing, revoking])
  await slow.publish([key.id])
  expect(states).toEqual(['active', 'revoked'])
})
