/** A revoked key is refused by every gateway within two seconds, and news arrives when notifications do not. */
import { expect, test } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { type LiveWorld, liveWorld } from './world.ts'

const HEARD_MS = 2_000
const POLLED_MS = 10_000

/** @returns how long it took until all gateways refused it */
async function untilRefused(world: LiveWorld, secret: string): Promise<number> {
  const sinceMs = performance.now()
  for (const gateway of world.gateways) {
    while ((await world.ask(gateway, secret)) !== 401) {
      if (performance.now() - sinceMs > 2 * POLLED_MS) throw new Error('a revoked key was served on')
      await new Promise((done) => setTimeout(done, 10))
    }
  }
  return performance.now() - sinceMs
}

test('a revoked key is refused by two gateways that knew it, soon', async ({ annotate }) => {
  await using world = await liveWorld()
  const tookMs: number[] = []
  for (let n = 0; n < rounds(3); n++) {
    const key = await world.newKey()
    for (const gateway of world.gateways) expect(await world.ask(gateway, key.secret)).toBe(200)
    await new Promise((done) => setTimeout(done, Math.random() * 500))
    await world.client.keys.revoke({ params: { keyId: key.id } })
    tookMs.push(await untilRefused(world, key.secret))
  }
  const inOrder = tookMs.map(Math.round).sort((a, b) => a - b)
  await annotate(
    `${inOrder.length} revocations: p50 ${inOrder[inOrder.length >> 1]} max ${inOrder.at(-1)} ms`,
  )
  expect(inOrder.at(-1)).toBeLessThan(HEARD_MS)
})

test('gateways that hear no notification take a change and a revocation all the same', async ({
  annotate,
}) => {
  await using world = await liveWorld({ losesHints: true })
  const key = await world.newKey()
  const sinceMs = performance.now()
  for (const gateway of world.gateways) expect(await world.ask(gateway, key.secret)).toBe(200)
  await world.client.modelAliases.create({ body: { name: 'unheard' } })
  await world.client.keys.revoke({ params: { keyId: key.id } })
  const refusedMs = await untilRefused(world, key.secret)
  const { version } = await world.client.catalog.read()
  for (const gateway of world.gateways) {
    while ((await world.versionOf(gateway)) < version) {
      expect(performance.now() - sinceMs).toBeLessThan(POLLED_MS)
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  await annotate(
    `refused after ${Math.round(refusedMs)} ms, the change served after ${Math.round(performance.now() - sinceMs)} ms`,
  )
})
