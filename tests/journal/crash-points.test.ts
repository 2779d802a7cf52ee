/** A gateway killed at each point of a call: what its successor makes of it is what the provider would bill. */
import type { IncomingMessage } from 'node:http'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { expect, test } from 'vitest'
import { eventually } from '../../adapters/src/contracts/samples.ts'
import { chatBody, open, send } from '../gateway/raw-client.ts'
import type { Weakness } from './gateway-process.ts'
import { openWorld, type Running, segmentsIn, startWeak, type World } from './world.ts'

/** About 800 events, one every 5 ms. */
const LONG_STREAM = 'long-stream-200s'

const call = (world: World, model: string, more: object = {}) => ({
  headers: { authorization: `Bearer ${world.keys.normal}` },
  body: chatBody(model, more),
})

type Life = { readonly world: World; readonly gateway: Running }

/** Lets a gateway live until it is dead; gives what is committed of its calls once its successor has been there. */
async function lifeAndDeath(weakness: Weakness, live: (life: Life) => Promise<unknown>) {
  await using world = await openWorld(['stall', 'usage-1000-500', LONG_STREAM])
  const folder = await world.newFolder()
  const gateway = await startWeak(world, { folder, weakness })
  await live({ world, gateway })
  await gateway.end('SIGKILL')
  const left = await segmentsIn(folder)
  const served = world.fake.record()
  const successor = await startWeak(world, { folder, weakness: 'none' })
  const reply = await send(successor.origin, call(world, 'usage-1000-500'))
  const own = reply.headers['x-request-id']
  const committed = async () => (await world.records()).filter((it) => it.requestId !== own)
  await eventually(async () => (await committed()).length < (await world.records()).length, 20_000)
  // The word that they are committed reaches the gateway a moment later; one that ends before keeps its files.
  await eventually(
    async () => (await metricsOf(successor)).includes('\nheadgate_usage_records_unconfirmed 0\n'),
    20_000,
  )
  const said = successor.output()
  expect(await successor.end('SIGTERM'), said).toBe(0)
  return { left, after: await segmentsIn(folder), records: await committed(), served, said }
}

async function metricsOf({ ops }: Running): Promise<string> {
  return String((await send(ops, { method: 'GET', path: '/metrics' })).body)
}

/** Sends, and the gateway dies under it. */
const doomed = ({ world, gateway }: Life, model = 'gpt-4o') =>
  send(gateway.origin, call(world, model)).then(
    () => expect.fail('the gateway should have died'),
    () => {},
  )

/** Reads so many pieces of a stream. */
async function piecesOf(message: IncomingMessage, count: number): Promise<void> {
  let seen = 0
  message.on('error', () => {})
  for await (const _ of message) if (++seen >= count) return
}

const committedOf = (world: World) => eventually(async () => (await world.records()).length > 0, 20_000)

const lost = {
  attempt: 1,
  errorCode: 'gateway_lost',
  keyId: expect.any(String),
  deploymentId: expect.any(String),
}
const exact = { outcome: 'succeeded', usageSource: 'reported', tokens: { input: 1000, output: 500 } }

function onlyOne(records: readonly UsageRecord[], expected: object): UsageRecord {
  expect(records).toHaveLength(1)
  expect(records[0]).toMatchObject(expected)
  return records[0] as UsageRecord
}

test.concurrent('C0, before the reservation: nothing is recorded', async () => {
  const { records, after } = await lifeAndDeath('dies-before-reserve', doomed)
  expect({ records, after }).toEqual({ records: [], after: [] })
})

test.concurrent('C1, reserved and no intent written: nothing is recorded', async () => {
  const { records, after } = await lifeAndDeath('dies-reserved', doomed)
  expect({ records, after }).toEqual({ records: [], after: [] })
})

test.concurrent('C2, intent written and nothing sent: a record without use', async () => {
  const { records, served } = await lifeAndDeath('dies-with-intent-written', doomed)
  expect(served).toEqual([])
  const tokens = { input: 0, output: 0 }
  onlyOne(records, { ...lost, outcome: 'failed', usageSource: 'none', costState: 'none', tokens })
})

test.concurrent('C3, sent and no byte of an answer: the prompt, as an estimate', async () => {
  const { records } = await lifeAndDeath('none', async (life) => {
    void doomed(life, 'stall')
    await eventually(() => life.world.fake.record().length > 0)
  })
  const record = onlyOne(records, { ...lost, outcome: 'failed', usageSource: 'estimated' })
  expect(record.tokens.input).toBeGreaterThan(0)
  expect(record.tokens.output).toBe(0)
})

test.concurrent('C4, in the middle of a stream: what was last noted, as an estimate', async () => {
  const seen = 600
  const { records, served } = await lifeAndDeath('none', async ({ world, gateway }) => {
    const body = { stream: true, max_tokens: 2000 }
    await piecesOf(await open(gateway.origin, call(world, LONG_STREAM, body)), seen)
  })
  const record = onlyOne(records, { ...lost, outcome: 'truncated', usageSource: 'estimated', status: 200 })
  // At most 500 less than what the caller had seen; the provider may have made more than anybody read.
  expect(record.tokens.output).toBeGreaterThanOrEqual(seen - 500)
  expect(record.tokens.output).toBeLessThanOrEqual(served[0]?.billed.completion ?? 0)
})

test.concurrent('C5, the last byte delivered and no record written: a stream is exact, since its usage was noted', async () => {
  const { records } = await lifeAndDeath('never-closes', async ({ world, gateway }) => {
    await send(gateway.origin, call(world, 'usage-1000-500', { stream: true }))
  })
  onlyOne(records, { ...lost, usageSource: 'reported', tokens: exact.tokens })
})

test.concurrent('C5, the last byte delivered and no record written: a whole answer is charged its prompt', async () => {
  const { records } = await lifeAndDeath('never-closes', async ({ world, gateway }) => {
    await send(gateway.origin, call(world, 'usage-1000-500'))
  })
  const record = onlyOne(records, { ...lost, usageSource: 'estimated' })
  expect(record.tokens.input).toBeGreaterThan(0)
})

test.concurrent('C5, the last byte delivered and its tokens still being counted: the estimate that was noted', async () => {
  const { records } = await lifeAndDeath('none', async ({ world, gateway }) => {
    // The first count of a process takes a while: what counts has to be loaded.
    await send(gateway.origin, call(world, 'no-usage', { stream: true }))
  })
  const record = onlyOne(records, { ...lost, outcome: 'truncated', usageSource: 'estimated' })
  expect(record.tokens.input).toBeGreaterThan(0)
  expect(record.tokens.output).toBeGreaterThan(10)
})

test.concurrent('C6, written and not synced: exact, once', async () => {
  const { records } = await lifeAndDeath('never-syncs', async ({ world, gateway }) => {
    await send(gateway.origin, call(world, 'usage-1000-500'))
  })
  onlyOne(records, exact)
})

test.concurrent('C7, in Postgres and not settled: exact, once', async () => {
  const { records } = await lifeAndDeath('never-settles', async ({ world, gateway }) => {
    await send(gateway.origin, call(world, 'usage-1000-500'))
    await committedOf(world)
  })
  onlyOne(records, exact)
})

test.concurrent('C8, settled and the segment still there: exact, once, and then it goes', async () => {
  const { records, left, after, said } = await lifeAndDeath('none', async ({ world, gateway }) => {
    await send(gateway.origin, call(world, 'usage-1000-500'))
    await committedOf(world)
  })
  onlyOne(records, exact)
  expect(left).toHaveLength(1)
  expect(said).toContain('without shipping')
  expect(after).toEqual([])
})
