/** What every key directory must do. */
import type { KeyDirectory, KeyPublisher } from '@headgate/domain/ports'
import { describe, expect, onTestFinished, test } from 'vitest'
import { eventually, newDigest, sampleKey } from './samples.ts'

export type DirectoryUnderTest = {
  readonly publisher: KeyPublisher
  /** As a gateway sees it, which is another process. */
  readonly gateway: KeyDirectory
  close(): Promise<void>
}

export function keyDirectoryContract(name: string, make: () => Promise<DirectoryUnderTest>): void {
  const open = async () => {
    const made = await make()
    onTestFinished(() => made.close())
    return made
  }

  describe(`${name}: a key directory`, () => {
    test('a key that was put is found by its digest, with all that was said of it', async () => {
      const { publisher, gateway } = await open()
      const key = sampleKey({ allowedModels: ['demo-chat'], expiresAtMs: 1_800_000_000_000 })
      await publisher.put([key, sampleKey()])
      expect(await gateway.find(key.digest)).toEqual(key)
    })

    test('a digest nobody put is unknown', async () => {
      const { gateway } = await open()
      expect(await gateway.find(newDigest())).toBeNull()
    })

    test('the second look is synchronous', async () => {
      const { publisher, gateway } = await open()
      const key = sampleKey()
      await publisher.put([key])
      await gateway.find(key.digest)
      expect(gateway.find(key.digest)).toEqual(key)
    })

    test('a revocation reaches every gateway within two seconds, for keys in use too', async () => {
      const { publisher, gateway } = await open()
      const key = sampleKey()
      await publisher.put([key])
      await eventually(async () => (await gateway.find(key.digest))?.state === 'active')
      await publisher.put([{ ...key, state: 'revoked' }])
      await eventually(async () => (await gateway.find(key.digest))?.state === 'revoked', 2_000)
    })

    test('a secret that is removed is unknown to every gateway within two seconds, and others stay', async () => {
      const { publisher, gateway } = await open()
      const [key, other] = [sampleKey(), sampleKey()]
      await publisher.put([key, other])
      expect(await gateway.find(key.digest)).toEqual(key)
      await publisher.remove([key.digest, newDigest()])
      await eventually(async () => (await gateway.find(key.digest)) === null, 2_000)
      expect(await gateway.find(other.digest)).toEqual(other)
    })

    test('a key that was unknown a moment ago is found within two seconds of its making', async () => {
      const { publisher, gateway } = await open()
      const key = sampleKey()
      expect(await gateway.find(key.digest)).toBeNull()
      await publisher.put([key])
      await eventually(async () => (await gateway.find(key.digest)) !== null, 2_000)
    })

    test('a thousand keys put at once are all there', async () => {
      const { publisher, gateway } = await open()
      const keys = Array.from({ length: 1000 }, () => sampleKey())
      await publisher.put(keys)
      const found = await Promise.all(keys.map((key) => gateway.find(key.digest)))
      expect(found).toEqual(keys)
    })
  })
}
