/** Usage records through an outage of Redis. */
import { expect, onTestFinished, test } from 'vitest'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { eventually, sampleUsage } from '../contracts/samples.ts'
import { drained } from '../contracts/usage-stream-contract.ts'
import { connectRedis } from './client.ts'
import { redisUsageSource } from './usage-source.ts'
import { redisUsageStream } from './usage-stream.ts'

async function open(recordsMax: number) {
  const server = await ownRedis()
  const lines: string[] = []
  const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
  const client = await connectRedis(server.current.url, { log: () => {}, connectWaitMs: 5_000 })
  const stream = redisUsageStream(client, { log, recordsMax })
  onTestFinished(async () => {
    stream.close()
    await client.close()
    await server[Symbol.asyncDispose]()
  })
  return { server, client, stream, lines, log }
}

test('records made while Redis is dead arrive when it is back, each at least once', async () => {
  const { server, client, stream, log } = await open(100_000)
  const sent = Array.from({ length: 2000 }, () => sampleUsage())
  for (const record of sent.slice(0, 500)) stream.append(record)
  await stream.flush(5_000)
  await server.kill()
  for (const record of sent.slice(500)) stream.append(record)
  await stream.flush(300)
  expect(stream.waiting()).toBe(1500)
  await server.restart()
  await stream.flush(15_000)
  expect(stream.waiting()).toBe(0)
  const arrived = new Set((await drained(redisUsageSource(client, { log }))).map((it) => it.requestId))
  const missing = sent.slice(500).filter((it) => !arrived.has(it.requestId))
  expect(missing).toEqual([])
})

test('records made while Redis is frozen arrive after the thaw', async () => {
  const { server, client, stream, log } = await open(100_000)
  process.kill(server.current.pid, 'SIGSTOP')
  onTestFinished(() => void process.kill(server.current.pid, 'SIGCONT'))
  const sent = Array.from({ length: 3000 }, () => sampleUsage())
  for (const record of sent) {
    stream.append(record)
    if (Math.random() < 0.02) await new Promise((done) => setImmediate(done))
  }
  await new Promise((done) => setTimeout(done, 4_000))
  process.kill(server.current.pid, 'SIGCONT')
  await stream.flush(15_000)
  const arrived = new Set((await drained(redisUsageSource(client, { log }))).map((it) => it.requestId))
  expect(sent.filter((it) => !arrived.has(it.requestId))).toEqual([])
})

test('an outage longer than the room costs the oldest records, counted and said once', async () => {
  const { server, client, stream, lines, log } = await open(1_000)
  await server.kill()
  await eventually(() => client.state() === 'away')
  const sent = Array.from({ length: 1_500 }, () => sampleUsage())
  for (const record of sent) stream.append(record)
  await stream.flush(100)
  expect(stream.waiting()).toBeLessThanOrEqual(1_000)
  expect(stream.dropped() + stream.waiting()).toBe(1_500)
  await server.restart()
  await stream.flush(15_000)
  const arrived = (await drained(redisUsageSource(client, { log }))).map((it) => it.requestId)
  expect(new Set(arrived)).toEqual(new Set(sent.slice(stream.dropped()).map((it) => it.requestId)))
  expect(lines.filter((line) => line.includes('BEING LOST'))).toHaveLength(1)
})

test('a source goes on when Redis has lost everything', async () => {
  const { client, stream, log } = await open(1_000)
  const source = redisUsageSource(client, { log })
  stream.append(sampleUsage())
  await stream.flush(5_000)
  await drained(source)
  await client.send('any', ['FLUSHALL'])
  const record = sampleUsage()
  stream.append(record)
  await stream.flush(5_000)
  expect(await drained(source)).toEqual([record])
})
