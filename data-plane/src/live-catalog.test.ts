/** Following the published catalog: newer ones are taken, bad ones are told, and a start needs nobody. */
import { memoryCatalogFeed } from '@headgate/adapters/memory/catalog-feed'
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { CatalogFeed, CatalogShelf } from '@headgate/domain/ports'
import { expect, test, vi } from 'vitest'
import { followCatalog } from './live-catalog.ts'

const document = (version: number, more: Partial<CatalogDocument> = {}): CatalogDocument => ({
  policies: [],
  agreements: [],
  sealedSecrets: [],
  modelEntries: [],
  ...{ format: 1, version, compiledAt: '2026-01-01T00:00:00Z', teams: [], apps: [], resources: [] },
  ...{ quotas: [], deployments: [], aliases: [], routes: [], prices: [], limits: [], budgets: [], ...more },
})

/** Names a deployment of a resource that is not there. */
const broken = (version: number) =>
  document(version, { deployments: [{ id: 'dep_1', resourceId: 'res_gone' }] as never })

function shelfWith(kept: CatalogDocument | null): CatalogShelf & { saved: CatalogDocument[] } {
  const saved: CatalogDocument[] = []
  return { saved, load: async () => kept, save: async (it) => void saved.push(it) }
}

const failing: CatalogFeed = {
  publish: async () => {},
  newerThan: async () => Promise.reject(new Error('no connection')),
  acknowledge: async () => {},
  gateways: async () => [],
  onHint: () => {},
}

test('the published catalog is served from the start and kept on the shelf', async () => {
  const feed = memoryCatalogFeed()
  await feed.publish(document(3))
  const shelf = shelfWith(document(2))
  const catalog = await followCatalog({ gatewayId: 'gw_test', feed, shelf, log: () => {} })
  expect(catalog.current()?.version).toBe(3)
  expect(shelf.saved.map((it) => it.version)).toEqual([3])
  await catalog.close()
})

test('a hint brings the news at once, and many hints end at the newest', async () => {
  const feed = memoryCatalogFeed()
  const catalog = await followCatalog({ gatewayId: 'gw_test', feed, shelf: shelfWith(null), log: () => {} })
  expect(catalog.current()).toBeNull()
  for (let version = 1; version <= 50; version++) await feed.publish(document(version))
  await vi.waitFor(() => expect(catalog.current()?.version).toBe(50))
  await catalog.close()
})

test('a call keeps the catalog it took while a newer one takes its place', async () => {
  const feed = memoryCatalogFeed()
  await feed.publish(document(1))
  const catalog = await followCatalog({ gatewayId: 'gw_test', feed, shelf: shelfWith(null), log: () => {} })
  const taken = catalog.current()
  await feed.publish(document(2))
  await vi.waitFor(() => expect(catalog.current()?.version).toBe(2))
  expect(taken?.version).toBe(1)
  await catalog.close()
})

test('a catalog that cannot be opened is told and not taken, and the next good one is', async () => {
  const feed = memoryCatalogFeed()
  await feed.publish(document(1))
  const told: string[] = []
  const shelf = shelfWith(null)
  const catalog = await followCatalog({
    gatewayId: 'gw_test',
    feed,
    shelf,
    log: (level, message) => void told.push(`${level} ${message}`),
  })
  await feed.publish(broken(2))
  await vi.waitFor(() => expect(told.some((it) => it.startsWith('error'))).toBe(true))
  expect(catalog.current()?.version).toBe(1)
  expect(shelf.saved.map((it) => it.version)).toEqual([1])
  await feed.publish(document(3))
  await vi.waitFor(() => expect(catalog.current()?.version).toBe(3))
  await catalog.close()
})

test('a start without anybody to ask serves the last good catalog', async () => {
  const told: string[] = []
  const log = (_level: string, message: string) => void told.push(message)
  const catalog = await followCatalog({
    gatewayId: 'gw_test',
    feed: failing,
    shelf: shelfWith(document(7)),
    log,
  })
  expect(catalog.current()?.version).toBe(7)
  expect(told.join()).toContain('last good catalog')
  await catalog.close()
})

test('a shelf that holds a broken catalog does not stop the start', async () => {
  const catalog = await followCatalog({
    gatewayId: 'gw_test',
    feed: failing,
    shelf: shelfWith(broken(7)),
    log: () => {},
  })
  expect(catalog.current()).toBeNull()
  await catalog.close()
})

test('a shelf that cannot be written to does not stop the news', async () => {
  const feed = memoryCatalogFeed()
  await feed.publish(document(1))
  const shelf: CatalogShelf = { load: async () => null, save: () => Promise.reject(new Error('disk full')) }
  const catalog = await followCatalog({ gatewayId: 'gw_test', feed, shelf, log: () => {} })
  await feed.publish(document(2))
  await vi.waitFor(() => expect(catalog.current()?.version).toBe(2))
  await catalog.close()
})

test('a feed that stays away is told once, not each time', async () => {
  const hints: (() => void)[] = []
  const feed: CatalogFeed = { ...failing, onHint: (it) => void hints.push(it) }
  const told: string[] = []
  const catalog = await followCatalog({
    gatewayId: 'gw_test',
    feed,
    shelf: shelfWith(null),
    log: (level) => void told.push(level),
  })
  for (let i = 0; i < 5; i++) {
    hints[0]?.()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(told.filter((level) => level === 'error')).toHaveLength(1)
  await catalog.close()
})

test('it says which version is served from, as soon as it is, and takes its word back when it stops', async () => {
  const feed = memoryCatalogFeed()
  await feed.publish(document(3))
  const catalog = await followCatalog({ gatewayId: 'gw_a', feed, shelf: shelfWith(null), log: () => {} })
  expect(await feed.gateways()).toMatchObject([{ gatewayId: 'gw_a', version: 3 }])
  await feed.publish(document(4))
  await vi.waitFor(async () => expect(await feed.gateways()).toMatchObject([{ version: 4 }]))
  await catalog.close()
  expect(await feed.gateways()).toEqual([])
})
