/** The usage stream contract on memory and on a real Redis, and what only Redis can bring about. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import type { Outlet } from '../journal/outlet.ts'
import { openUsageJournal } from '../journal/usage-journal.ts'
import { memoryUsageStream } from '../memory/usage-stream.ts'
import { connectRedis } from '../redis/client.ts'
import { redisUsageOutlet } from '../redis/usage-outlet.ts'
import { redisUsageSource } from '../redis/usage-source.ts'
import { sampleUsage } from './samples.ts'
import { drained, usageStreamContract } from './usage-stream-contract.ts'

const log = () => {}
const redeliverAfterMs = 200

/** A journal of its own folder in front of an outlet. */
async function journalTo(outlet: Outlet) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-journal-'))
  const options = { folder, log, bytesMax: 2 ** 30, syncMs: 10, whenFull: 'refuse' as const, askEachMs: 20 }
  const stream = await openUsageJournal(outlet, options)
  const close = async () => {
    await stream.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { stream, folder, close }
}

usageStreamContract('memory', async () => {
  const both = memoryUsageStream({ redeliverAfterMs })
  return { ...(await journalTo(both)), source: both, successor: () => both }
})

usageStreamContract('redis', async () => {
  const { client, ...opened } = await openRedis()
  const source = redisUsageSource(client, { log, redeliverAfterMs })
  return { ...opened, source, successor: () => redisUsageSource(client, { log, redeliverAfterMs }) }
})

async function openRedis() {
  const client = await connectRedis(await freshRedisUrl(), { log })
  const journal = await journalTo(redisUsageOutlet(client))
  const close = async () => {
    await journal.close()
    await client.close()
  }
  return { ...journal, client, close }
}

test('redis: what does not parse is put aside with its text, and the rest of its entry arrives', async () => {
  const { client, stream, close } = await openRedis()
  onTestFinished(close)
  const good = sampleUsage()
  const add = (text: string) => client.send('hg:usage', ['XADD', 'hg:usage', '*', 'r', text])
  await add('not json')
  await add(`[${JSON.stringify({ ...good, tokens: -1 })},${JSON.stringify(good)}]`)
  stream.append(good)
  await stream.flush(5_000)
  expect(await drained(redisUsageSource(client, { log }))).toEqual([good, good])
  const dead = await client.send('hg:usage:dead', ['XRANGE', 'hg:usage:dead', '-', '+'])
  expect(JSON.stringify(dead)).toContain('not json')
  expect(Array.isArray(dead) && dead.length).toBe(2)
})

test('redis: two sources share the records between them', async () => {
  const { client, stream, close } = await openRedis()
  onTestFinished(close)
  const sent = Array.from({ length: 500 }, () => sampleUsage())
  for (const record of sent) {
    stream.append(record)
    if (Math.random() < 0.1) await stream.flush(5_000)
  }
  await stream.flush(5_000)
  const sources = [redisUsageSource(client, { log }), redisUsageSource(client, { log })]
  const taken = (await Promise.all(sources.map(drained))).flat()
  const ids = (records: { requestId: string }[]) => records.map((it) => it.requestId).sort()
  expect(ids(taken)).toEqual(ids(sent))
})

test('redis: confirmed records leave nothing behind', async () => {
  const { client, stream, close } = await openRedis()
  onTestFinished(close)
  for (let i = 0; i < 100; i++) stream.append(sampleUsage())
  await stream.flush(5_000)
  await drained(redisUsageSource(client, { log }))
  expect(await client.send('hg:usage', ['XLEN', 'hg:usage'])).toBe(0)
})
