/** A Redis whose data or scripts are flushed under load: nothing goes below zero, and no call fails. */
import { type Ask, unsent } from '@headgate/domain/reservation'
import { expect, onTestFinished, test } from 'vitest'
import { freshRedisUrl } from '../../../tests/servers/fresh-redis.ts'
import { ownRedis } from '../../../tests/servers/own-server.ts'
import { rounds } from '../../../tests/servers/rounds.ts'
import { askFor, claimOn, newBucket, usedOf } from '../contracts/ledger-contract.ts'
import { eventually } from '../contracts/samples.ts'
import { connectRedis } from './client.ts'
import { redisLedger } from './ledger.ts'

async function open(url: string) {
  const client = await connectRedis(url, { log: () => {}, connectWaitMs: 10_000 })
  const ledger = redisLedger(client, { log: () => {}, deadlineMs: 10_000 })
  onTestFinished(async () => {
    ledger.close()
    await client.close()
  })
  return { client, ledger }
}

function poolsOf(team: string) {
  return [
    claimOn(`${team}:minute`, { unit: 'tokens', limit: 4_000, windowMs: 6_000_000_000 }),
    claimOn(`${team}:day`, { kind: 'window', unit: 'tokens', limit: 1_000, windowMs: 86_400_000 }),
    claimOn(`${team}:at-once`, { kind: 'concurrent', unit: 'calls', limit: 5, windowMs: 0 }),
  ]
}

test('after FLUSHALL calls under way settle to nothing and new ones are judged from full pools', async () => {
  const { client, ledger } = await open(await freshRedisUrl())
  const total = rounds(20)
  for (let round = 0; round < total; round++) {
    const team = newBucket()
    const pools = poolsOf(team)
    const left = async () => (await ledger.look(pools)).map((it) => it.remaining)
    const before = Array.from({ length: 4 }, () => askFor(pools, 200))
    await Promise.all(before.map((ask) => ledger.reserve(ask)))
    expect(await left()).toEqual([200, 200, 1])
    // The database of this file alone; to the ledger it is the same.
    await client.send('', ['FLUSHDB'])
    const after = askFor(pools, 300)
    expect((await ledger.reserve(after)).states.map((it) => it.remaining)).toEqual([700, 700, 4])
    for (const [i, ask] of before.entries()) ledger.settle(ask, i % 2 ? unsent : usedOf(900))
    ledger.settle(after, usedOf(100))
    await eventually(async () => String(await left()) === '900,900,5')
    const stored = (await client.send('', ['MGET', `hg:${team}:at-once`])) as unknown[]
    expect(stored).toEqual([null])
    const slots = (await client.send('', ['HVALS', `hg:${team}:day`])) as string[]
    expect(slots.map(Number)).toEqual([100])
    expect(await client.send('', ['EXISTS', `hg:${team}:open`, `hg:${team}:leases`])).toBe(0)
  }
})

test('a FLUSHALL at any moment under load leaves no pool above its limit and none below zero', async () => {
  const server = await ownRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const [one, two] = [await open(server.current.url), await open(server.current.url)]
  const pools = poolsOf(newBucket()).map((it) => ({ ...it, limit: it.limit * 1_000 }))
  let failed = 0
  const call = async (ask: Ask, n: number) => {
    const { ledger } = n % 2 ? one : two
    try {
      if (!(await ledger.reserve(ask)).admitted) failed += 1
      await new Promise((done) => setTimeout(done, n % 13))
      ledger.settle(ask, n % 5 ? usedOf(n % 40) : unsent)
    } catch {
      failed += 1
    }
  }
  for (let round = 0; round < rounds(10); round++) {
    const calls = Array.from({ length: 200 }, (_, n) => call(askFor(pools, 20), n))
    await new Promise((done) => setTimeout(done, round % 7))
    await one.client.send('', ['FLUSHALL'])
    await Promise.all(calls)
    await eventually(async () => (await one.ledger.look(pools))[2]?.remaining === 5_000)
    for (const [i, { remaining }] of (await one.ledger.look(pools)).entries()) {
      const { kind, limit } = pools[i] as (typeof pools)[number]
      expect(remaining).toBeGreaterThanOrEqual(0)
      expect(remaining).toBeLessThanOrEqual(kind === 'bucket' ? limit / 4 : limit)
    }
  }
  expect(failed).toBe(0)
})

test('SCRIPT FLUSH every few milliseconds under load fails no call and loses no end', async () => {
  const server = await ownRedis()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const { client, ledger } = await open(server.current.url)
  const claim = claimOn(newBucket(), {
    kind: 'window',
    unit: 'tokens',
    limit: 100_000_000,
    windowMs: 86_400_000,
  })
  let flushes = 0
  const flusher = setInterval(() => {
    flushes += 1
    client.send('', ['SCRIPT', 'FLUSH']).catch(() => {})
  }, 3)
  onTestFinished(() => clearInterval(flusher))
  let used = 0
  for (let round = 0; round < rounds(100); round++) {
    const asks = Array.from({ length: 20 }, () => askFor([claim], 50))
    const verdicts = await Promise.all(asks.map((ask) => ledger.reserve(ask)))
    expect(verdicts.every((it) => it.admitted)).toBe(true)
    for (const ask of asks) ledger.settle(ask, usedOf(round))
    used += 20 * round
    await new Promise((done) => setTimeout(done, 5))
  }
  clearInterval(flusher)
  expect(flushes).toBeGreaterThan(20)
  await eventually(async () => (await ledger.look([claim]))[0]?.remaining === claim.limit - used)
  expect(ledger.lostEnds()).toBe(0)
})
