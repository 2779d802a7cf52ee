/** Usage records through an outage of Redis. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { eventually, sampleUsage } from '../contracts/samples.ts'
import { drained } from '../contracts/usage-stream-contract.ts'
import { openUsageJournal } from '../journal/usage-journal.ts'
import { connectRedis } from './client.ts'
import { redisUsageOutlet } from './usage-outlet.ts'
import { redisUsageSource } from './usage-source.ts'

async function open(recordsMax: number) {
  const server = await ownRedis()
  const folder = await mkdtemp(join(tmpdir(), 'headgate-journal-'))
  const lines: string[] = []
  const log = (level: string, message: string) => void lines.push(`${level}: ${message}`)
  const client = await connectRedis(server.current.url, { log: () => {}, connectWaitMs: 5_000 })
  const stream = await openUsageJournal(redisUsageOutlet(client), {
    ...{ folder, log, recordsMax, bytesMax: 2 ** 30, syncMs: 10, whenFull: 'refuse' },
    ...{ askEachMs: 20, missAfterMs: 200 },
  })
  onTestFinished(async () => {
    await stream.close()
    await client.close()
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  return { server, client, stream, lines, log }
}

test('records made while Redis is dead arrive when it is back, in order', async () => {
  const { server, client, stream, lines, log } = await open(300)
  const sent = Array.from({ length: 2000 }, () => sampleUsage())
  for (const record of sent.slice(0, 500)) stream.append(record)
  await stream.flush(5_000)
  const source = redisUsageSource(client, { log })
  expect(await drained(source)).toEqual(sent.slice(0, 500))
  await server.kill()
  for (const record of sent.slice(500)) stream.append(record)
  await stream.flush(300)
  expect(stream.backlog()).toMatchObject({ waiting: 1500, lost: 0 })
  await server.restart()
  await stream.flush(15_000)
  expect(stream.backlog().waiting).toBe(0)
  const arrived = new Set((await drained(source)).map((it) => it.requestId))
  expect(sent.slice(500).filter((it) => !arrived.has(it.requestId))).toEqual([])
  expect(lines.filter((line) => line.includes('stay in the journal'))).toHaveLength(1)
})

test('records made while Redis is frozen arrive after the thaw', async () => {
  const { server, client, stream, log } = await open(300)
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

test('what Redis lost before it was committed is sent again, what was committed is not', async () => {
  const { client, stream, log } = await open(1_000)
  const source = redisUsageSource(client, { log })
  const sent = Array.from({ length: 400 }, () => sampleUsage())
  for (const record of sent.slice(0, 100)) stream.append(record)
  await stream.flush(5_000)
  expect(await drained(source)).toHaveLength(100)
  await eventually(() => stream.backlog().unconfirmed === 0)
  for (const record of sent.slice(100)) stream.append(record)
  await stream.flush(5_000)
  await client.send('any', ['FLUSHALL'])
  await eventually(async () => Number(await client.send('hg:usage', ['XLEN', 'hg:usage'])) === 6)
  expect(await drained(source)).toEqual(sent.slice(100))
  await eventually(() => stream.backlog().unconfirmed === 0)
})
