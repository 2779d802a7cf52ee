/** What the key directory says while Redis cannot be asked or holds nonsense. */
import { GatewayError } from '@headgate/domain/gateway-error'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { eventually, newDigest, sampleKey } from '../contracts/samples.ts'
import { connectRedis } from './client.ts'
import { redisKeyDirectory } from './key-directory.ts'

const MINUTE_MS = 60_000

async function open(url: string) {
  const at = { aheadMs: 0 }
  const lines: string[] = []
  const log = (_level: string, message: string) => void lines.push(message)
  const clock = { monotonicMs: () => performance.now() + at.aheadMs }
  const client = await connectRedis(url, { log: () => {}, connectWaitMs: 5_000 })
  const directory = redisKeyDirectory(client, { log, clock })
  onTestFinished(async () => {
    directory.close()
    await client.close()
  })
  return { at, client, directory, lines }
}

async function faultOf(answer: unknown): Promise<GatewayError> {
  const fault = await Promise.resolve(answer).then(
    () => null,
    (thrown) => thrown,
  )
  expect(fault).toBeInstanceOf(GatewayError)
  return fault
}

describe('the Redis key directory', () => {
  test('while Redis is away, serves known keys for 15 minutes and calls no unknown key invalid', async () => {
    const server = await ownRedis()
    onTestFinished(() => server[Symbol.asyncDispose]())
    const { at, client, directory, lines } = await open(server.current.url)
    const key = sampleKey()
    await directory.put([key])
    expect(await directory.find(key.digest)).toEqual(key)
    await server.kill()
    await eventually(() => client.state() === 'away')
    at.aheadMs = MINUTE_MS
    expect(await directory.find(key.digest)).toEqual(key)
    expect(directory.find(key.digest)).toEqual(key)
    at.aheadMs = 14 * MINUTE_MS
    expect(await directory.find(key.digest)).toEqual(key)
    expect((await faultOf(directory.find(newDigest()))).status).toBe(503)
    at.aheadMs = 16 * MINUTE_MS
    expect((await faultOf(directory.find(key.digest))).status).toBe(503)
    await server.restart()
    await eventually(() => client.state() === 'ready', 10_000)
    expect(await directory.find(key.digest)).toEqual(key)
    expect(lines).toHaveLength(2)
  })

  test('a frozen Redis holds up the first call on an aged key only, and not for long', async () => {
    const server = await ownRedis()
    onTestFinished(() => server[Symbol.asyncDispose]())
    const { at, directory } = await open(server.current.url)
    const key = sampleKey()
    await directory.put([key])
    await directory.find(key.digest)
    process.kill(server.current.pid, 'SIGSTOP')
    onTestFinished(() => void process.kill(server.current.pid, 'SIGCONT'))
    at.aheadMs = MINUTE_MS
    const startedMs = performance.now()
    const both = await Promise.all([directory.find(key.digest), directory.find(key.digest)])
    expect(both).toEqual([key, key])
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(directory.find(key.digest)).toEqual(key)
  })

  test('a key is refreshed while it is served, so that a change made behind our back is seen', async () => {
    const { at, client, directory } = await open(await freshRedisUrl())
    const key = sampleKey()
    await directory.put([key])
    await directory.find(key.digest)
    const name = `hg:key:${key.digest}`
    await client.send(name, ['SET', name, JSON.stringify({ ...key, state: 'disabled' })])
    at.aheadMs = 25_000
    expect(directory.find(key.digest)).toMatchObject({ state: 'active' })
    await eventually(async () => (await directory.find(key.digest))?.state === 'disabled')
  })

  test('an entry about another key is not believed', async () => {
    const { client, directory } = await open(await freshRedisUrl())
    const key = sampleKey()
    const digest = newDigest()
    await client.send(`hg:key:${digest}`, ['SET', `hg:key:${digest}`, JSON.stringify(key)])
    expect((await faultOf(directory.find(digest))).message).toContain('another key')
  })

  test('a damaged entry is no unknown key', async () => {
    const { client, directory } = await open(await freshRedisUrl())
    const digest = newDigest()
    for (const body of ['{', '{"digest":1}']) {
      await client.send(`hg:key:${digest}`, ['SET', `hg:key:${digest}`, body])
      expect((await faultOf(directory.find(digest))).status).toBe(503)
    }
  })

  test('a hundred simultaneous looks at one key are one question', async () => {
    const { client, directory } = await open(await freshRedisUrl())
    const key = sampleKey()
    await directory.put([key])
    const answers = Array.from({ length: 100 }, () => directory.find(key.digest))
    expect(new Set(answers).size).toBe(1)
    expect(await answers[0]).toEqual(key)
    expect(String(await client.send('', ['INFO', 'commandstats']))).toContain('cmdstat_get')
  })
})
