/** Gateways killed again and again under load: the provider's own books say what must have been recorded. */
import { expect, test } from 'vitest'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import type { UsageRecord } from '../../domain/src/usage-record.ts'
import type { ServedCall } from '../../fake-upstream/src/record.ts'
import { randomFrom } from '../gateway/mutate.ts'
import { chatBody, send } from '../gateway/raw-client.ts'
import { rounds } from '../servers/rounds.ts'
import { openWorld, type Running, startMain, type World } from './world.ts'

const SEED = 20_261_124
/** Gateways that live, and are killed, at the same time. */
const AT_ONCE = 2
const CALLERS = 12
/** About 1600 events, one every 1.25 ms. */
const LONG_STREAM = 'long-stream-400s'
const SHORT_STREAM = 'long-stream-10s'
const SPEED = 200
/** What is noted of a stream, and what the provider makes until it notices that nobody reads. */
const EVENTS_MISSED_MAX = 500 + 50

type Books = {
  /** Calls whose answer came whole, by request id. */
  readonly answered: Set<string>
  calls: number
}

/** Calls until the gateway is dead: streams and whole answers, some of which the caller leaves. */
async function keepCalling(
  world: World,
  gateway: Running,
  books: Books,
  random: () => number,
): Promise<void> {
  while (gateway.child.exitCode === null && gateway.child.signalCode === null) {
    const dice = random()
    const [model, stream] =
      dice < 0.15 ? [LONG_STREAM, true] : dice < 0.5 ? [SHORT_STREAM, true] : ['usage-1000-500', dice < 0.7]
    books.calls += 1
    const body = chatBody(model, { stream, max_tokens: 4000 })
    const headers = { authorization: `Bearer ${world.keys.normal}` }
    const reply = await send(gateway.origin, { headers, body }).catch(() => null)
    if (reply?.status === 200) books.answered.add(reply.headers['x-request-id'] as string)
    await new Promise((done) => setTimeout(done, random() * 100))
  }
}

/** One gateway after another on the same journal, each killed under load, and a last one that is let finish. */
async function lives(world: World, books: Books, count: number, random: () => number): Promise<void> {
  const folder = await world.newFolder()
  for (let life = 0; life < count; life++) {
    const gateway = await startMain(world, folder)
    const calling = Array.from({ length: CALLERS }, () => keepCalling(world, gateway, books, random))
    await new Promise((done) => setTimeout(done, 100 + random() * 900))
    await gateway.end('SIGKILL')
    await Promise.all(calling)
  }
  const last = await startMain(world, folder)
  await new Promise((done) => setTimeout(done, 300))
  expect(await last.end('SIGTERM'), last.output()).toBe(0)
}

const requestIdOf = (call: ServedCall) =>
  call.headers.find(([name]) => name.toLowerCase() === 'x-request-id')?.[1] ?? ''

/** Compares a record with what the provider billed; gives what is wrong, or null. */
function faultIn(call: ServedCall, record: UsageRecord | undefined, answered: boolean): string | null {
  if (record === undefined) return 'no record'
  const { tokens, errorCode, usageSource } = record
  if (errorCode !== 'gateway_lost' || usageSource === 'reported') {
    const same = tokens.input === call.billed.prompt && tokens.output === call.billed.completion
    return same || record.outcome !== 'succeeded' ? null : 'not what was billed'
  }
  if (usageSource !== 'estimated' || tokens.input === 0) return 'sent, and charged nothing'
  if (answered && !record.stream) return 'answered whole, and not exact'
  const missed = record.stream ? call.eventsSent - tokens.output : 0
  return missed > EVENTS_MISSED_MAX || missed < 0 ? `${missed} events missed` : null
}

test('no call is lost, doubled or wrong over many kills under load', async () => {
  await using world = await openWorld(['usage-1000-500', LONG_STREAM, SHORT_STREAM], { speed: SPEED })
  const books: Books = { answered: new Set(), calls: 0 }
  const each = Math.ceil(rounds(10) / AT_ONCE)
  await Promise.all(
    Array.from({ length: AT_ONCE }, (_, i) => lives(world, books, each, randomFrom(SEED + i))),
  )
  const served = world.fake.record()
  const recorded = async () => new Map((await world.records()).map((it) => [it.requestId, it]))
  await eventually(async () => {
    const all = await recorded()
    return served.every((it) => all.has(requestIdOf(it)))
  }, 60_000)
  const byId = await recorded()
  const records = await world.records()
  expect(byId.size).toBe(records.length)
  const faults = served.flatMap((it) => {
    const id = requestIdOf(it)
    const fault = faultIn(it, byId.get(id), books.answered.has(id))
    return fault === null ? [] : [{ id, fault, billed: it.billed, record: byId.get(id) }]
  })
  expect(faults).toEqual([])
  const ids = new Set(served.map(requestIdOf))
  const unseen = records.filter((it) => !ids.has(it.requestId) && it.usageSource === 'reported')
  expect(unseen).toEqual([])
  const lost = records.filter((it) => it.errorCode === 'gateway_lost')
  expect(lost.length).toBeGreaterThan(each)
  expect(lost.some((it) => it.stream && it.usageSource === 'estimated')).toBe(true)
  expect(records.some((it) => it.outcome === 'succeeded')).toBe(true)
})
