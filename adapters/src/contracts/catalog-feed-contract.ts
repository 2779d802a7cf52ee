/** What every catalog feed must do. */
import type { CatalogFeed } from '@headgate/domain/ports'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventually, sampleCatalog } from './samples.ts'

export type FeedUnderTest = {
  readonly publisher: CatalogFeed
  /** As another process sees it. */
  readonly reader: CatalogFeed
  close(): Promise<void>
}

export function catalogFeedContract(name: string, make: () => Promise<FeedUnderTest>): void {
  const open = async () => {
    const made = await make()
    onTestFinished(() => made.close())
    return made
  }

  describe(`${name}: a catalog feed`, () => {
    test('before the first publishing there is nothing newer', async () => {
      const { reader } = await open()
      expect(await reader.newerThan(0)).toBeNull()
    })

    test('what is published arrives whole, once per version', async () => {
      const { publisher, reader } = await open()
      const catalog = sampleCatalog(3, 'Zürich “Ops” 東京')
      await publisher.publish(catalog)
      expect(await reader.newerThan(2)).toEqual(catalog)
      expect(await reader.newerThan(3)).toBeNull()
    })

    test('an older catalog never takes the place of a newer one, in whatever order they come', async () => {
      const { publisher, reader } = await open()
      await Promise.all([5, 9, 7, 10, 8].map((version) => publisher.publish(sampleCatalog(version))))
      await publisher.publish(sampleCatalog(6))
      expect((await reader.newerThan(0))?.version).toBe(10)
    })

    test('the second catalog of one version is ignored', async () => {
      const { publisher, reader } = await open()
      const first = sampleCatalog(4, 'first')
      await publisher.publish(first)
      await publisher.publish(sampleCatalog(4, 'second'))
      expect(await reader.newerThan(0)).toEqual(first)
    })

    test('gateways say which version they serve from, each its last word, until they stop', async () => {
      const { publisher, reader } = await open()
      expect(await publisher.gateways()).toEqual([])
      await reader.acknowledge('gw_1', 3)
      await reader.acknowledge('gw_2', 3)
      await reader.acknowledge('gw_1', 4)
      const stamps = await publisher.gateways()
      expect(stamps.map((it) => [it.gatewayId, it.version]).sort()).toEqual([
        ['gw_1', 4],
        ['gw_2', 3],
      ])
      for (const it of stamps) expect(Math.abs(Date.now() - it.seenAtMs)).toBeLessThan(60_000)
      await reader.acknowledge('gw_2', null)
      expect((await publisher.gateways()).map((it) => it.gatewayId)).toEqual(['gw_1'])
    })

    test('a publishing is hinted at', async () => {
      const { publisher, reader } = await open()
      let hints = 0
      reader.onHint(() => {
        hints += 1
      })
      let version = 1
      await eventually(async () => {
        await publisher.publish(sampleCatalog(version++))
        return hints > 0
      })
    })
  })
}
