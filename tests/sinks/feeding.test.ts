/** Postgres and Cosmos DB tell the same: each stored record once, to the nano, whatever is killed, away or corrected. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { SinkFault } from '@headgate/domain/sink'
import type { SinkEntry } from '@headgate/domain/sink-entry'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { keepOnce } from '../../control-plane/src/jobs/keep-usage.ts'
import { startTestPlane, until } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type CosmosFake, startCosmosFake } from './cosmos-fake.ts'
import { COSMOS_KEY, feedAll, memorySink, never, type SinkWorld, sinkOn, sinkWorld } from './world.ts'

let it: SinkWorld
let fake: CosmosFake
beforeAll(async () => {
  it = await sinkWorld()
  fake = await startCosmosFake({ key: COSMOS_KEY })
})
afterAll(async () => {
  await it.close()
  await fake.close()
})
beforeEach(async () => {
  await it.query(
    `truncate usage_sinks, usage_batches, usage_sink_refusals, usage_records, outbox_events cascade`,
  )
  for (const map of [fake.items, fake.writes]) map.clear()
  fake.batches.length = 0
  fake.fate = () => 'serve'
  fake.down = false
  it.logLines.length = 0
})

let made = 0
/** Of many teams and some days, with costs of which no two are alike. */
const some = (count: number) =>
  Array.from({ length: count }, () => {
    made += 1
    const startedAt = new Date(Date.UTC(2026, 10, 1 + (made % 3)) + made * 1000).toISOString()
    return usageRecord(made, { startedAt, teamId: `team_${made % 5}`, costNanos: made * 1_000_003 })
  })

/** What Postgres holds, and what Cosmos DB holds: how many, and the sum in nanos. */
async function sums() {
  const rows = await it.query(`
    select count(*)::int as count, coalesce(sum(cost_nanos), 0)::text as nanos from usage_records`)
  const items = [...fake.items.values()]
  const nanos = items.reduce((sum, item) => sum + BigInt(String(item['cost_nanos'])), 0n)
  return { postgres: rows[0], cosmos: { count: items.length, nanos: String(nanos) } }
}

async function expectTheSame(count: number) {
  const { postgres, cosmos } = await sums()
  expect(cosmos).toEqual(postgres)
  expect(cosmos.count).toBe(count)
}

function feedingProcess() {
  const path = fileURLToPath(new URL('feeding-process.ts', import.meta.url))
  return spawn(process.execPath, [path, it.url, fake.endpoint, COSMOS_KEY], { stdio: 'inherit' })
}

test('a control plane that is killed between the write and its place has lost and doubled nothing', async () => {
  const sink = sinkOn(fake, COSMOS_KEY)
  await it.feed(sink)
  for (let nth = 0; nth < 4; nth++) await it.usage.store(some(250))
  for (const dieAt of [1, 4, 9]) {
    let batches = 0
    fake.fate = () => {
      batches += 1
      return batches >= dieAt ? 'write-then-hang' : 'serve'
    }
    const child = feedingProcess()
    const left = once(child, 'exit')
    await until(() => batches >= dieAt, 'the batch to be written')
    child.kill('SIGKILL')
    await left
  }
  expect((await it.told('cosmos')).recordsSent).toBe(0)
  expect(fake.items.size).toBeGreaterThan(0)
  fake.fate = () => 'serve'
  const last = feedingProcess()
  await until(async () => (await it.told('cosmos')).recordsSent === 1000, 'the rest')
  const left = once(last, 'exit')
  last.kill('SIGKILL')
  await left
  await expectTheSame(1000)
  expect(Math.max(...fake.writes.values())).toBeGreaterThan(1)
  expect(await it.told('cosmos')).toMatchObject({ lagSeconds: 0, putAside: 0, missed: 0, recordsSent: 1000 })
})

test('two control planes at once feed it together with those who store, and count each record once', async () => {
  const ports = () => ({ sinks: [sinkOn(fake, COSMOS_KEY)] })
  const first = await startTestPlane({ databaseUrl: it.url, ports: ports() })
  const second = await startTestPlane({ databaseUrl: it.url, ports: ports() })
  try {
    await until(async () => (await first.client.sinks.list()).data.length === 1, 'the sink to be known')
    const records = Array.from({ length: 12 }, () => some(60))
    await Promise.all(records.map((batch) => it.usage.store(batch)))
    await until(async () => (await it.told('cosmos')).recordsSent === 720, 'all of them')
    await expectTheSame(720)
    const [told] = (await second.client.sinks.list()).data
    expect(told).toMatchObject({
      name: 'cosmos',
      kind: 'cosmos',
      state: 'running',
      recordsSent: 720,
      from: null,
    })
    expect(told?.target).toBe(`${fake.endpoint}/headgate/usage`)
    expect(await second.client.sinks.read({ params: { sinkId: told?.id ?? '' } })).toMatchObject({
      id: told?.id,
    })
    const metrics = await first.ask('GET', '/metrics', { token: null })
    expect(metrics.text).toContain('headgate_sink_lag_seconds{sink="cosmos"} 0')
    await until(
      async () =>
        (await first.ask('GET', '/metrics', { token: null })).text.includes(
          'headgate_sink_records_total{sink="cosmos"} 720',
        ),
      'the counter',
    )
  } finally {
    await Promise.all([first.stop(), second.stop()])
  }
})

test('an hour without Cosmos DB holds up neither the drain nor another sink, shows, and is made up for', async () => {
  const cosmos = sinkOn(fake, COSMOS_KEY)
  const other = memorySink('other')
  for (const sink of [cosmos, other]) await it.feed(sink)
  await it.usage.store(some(10))
  await feedAll(it, cosmos)
  fake.down = true
  for (let nth = 0; nth < 5; nth++) await it.usage.store(some(100))
  await expect(feedAll(it, cosmos)).rejects.toThrow(SinkFault)
  const failing = it.feed(cosmos)
  await feedAll(it, other)
  expect(other.given.size).toBe(510)
  await failing
  await it.query(`update usage_batches set stored_at = stored_at - interval '1 hour'`)
  await it.query(`update usage_sinks set succeeded_at = succeeded_at - interval '1 hour'`)
  const told = await it.told('cosmos')
  expect(told).toMatchObject({ state: 'failing', lastError: expect.stringContaining('cannot be reached') })
  expect(told.lagSeconds).toBeGreaterThanOrEqual(3600)
  expect(await it.told('other')).toMatchObject({ state: 'running', lagSeconds: 0 })
  await it.feed(cosmos)
  expect(it.logLines.map((line) => line.message).join()).toContain('a sink is behind')
  await it.feed(cosmos)
  const events = await it.query(`select data ->> 'sinkName' as sink, data ->> 'lastError' as why
    from outbox_events where type = 'sink.lagging'`)
  expect(events).toEqual([{ sink: 'cosmos', why: expect.stringContaining('cannot be reached') }])
  fake.down = false
  await it.feed(cosmos)
  await expectTheSame(510)
  expect(await it.told('cosmos')).toMatchObject({ state: 'running', lagSeconds: 0, recordsSent: 510 })
  expect(it.logLines.map((line) => line.message)).toEqual(
    expect.arrayContaining(['a sink is fed again', 'a sink has caught up']),
  )
})

test('a service that takes little at a time is given everything in the end', async () => {
  const sink = sinkOn(fake, COSMOS_KEY)
  await it.feed(sink)
  await it.usage.store(some(900))
  let calls = 0
  fake.fate = () => {
    calls += 1
    const fates = [
      { status: 429, retryAfterMs: 5 },
      'serve',
      'serve',
      'serve',
      { status: 503 },
      'cut',
      'write-then-cut',
    ]
    return fates[calls % 7] as never
  }
  for (let tries = 0; tries < 40 && (await it.told('cosmos')).recordsSent < 900; tries++)
    await feedAll(it, sink).catch((fault) => expect(fault).toBeInstanceOf(SinkFault))
  await expectTheSame(900)
})

test('what a sink will never take is put aside with its reason and counted once; the others go on', async () => {
  const sink = memorySink('picky')
  sink.judge = (entry: SinkEntry) =>
    entry.kind === 'record' && entry.record.attempt === 13 ? 'thirteen' : null
  await it.feed(sink)
  const [poison, ...good] = some(20)
  const record = { ...(poison as (typeof good)[number]), attempt: 13 }
  await it.usage.store([record, ...good])
  await feedAll(it, sink)
  expect(sink.given.size).toBe(19)
  expect(await it.told('picky')).toMatchObject({ state: 'running', putAside: 1 })
  const aside = await it.db.selectFrom('usageSinkRefusals').select(['entryId', 'reason']).execute()
  expect(aside).toEqual([{ entryId: `${record.requestId}-13`, reason: 'thirteen' }])
  await it.query(`update usage_sinks set from_at = null`)
  await it.feed({ ...sink, from: '2026-01-01T00:00:00.000Z' })
  expect(await it.told('picky')).toMatchObject({ putAside: 1, backfill: { isDone: true, records: 20 } })
})

test('a sink that is switched on later is given the past from the day it asks for, and says how far it is', async () => {
  const old = some(30)
  await it.usage.store(old)
  const before = old.filter((record) => record.startedAt < '2026-11-02')
  const sink = memorySink('later', { from: '2026-11-02T00:00:00.000Z' })
  const paged = { ...sink, write: async (entries: readonly SinkEntry[]) => sink.write(entries, never) }
  await it.feed(paged)
  expect(sink.given.size).toBe(30 - before.length)
  expect(await it.told('later')).toMatchObject({
    ...{ state: 'running', from: '2026-11-02T00:00:00.000Z', lagSeconds: 0 },
    backfill: { isDone: true, records: 30 - before.length, from: '2026-11-02T00:00:00.000Z' },
  })
  await it.usage.store(some(5))
  // As after a restart with another day: the past comes again, and nothing is counted as missed.
  await it.feed({ ...paged, from: '2026-11-01T00:00:00.000Z' })
  expect(sink.given.size).toBe(35)
  expect(await it.told('later')).toMatchObject({ missed: 0, from: '2026-11-01T00:00:00.000Z' })
  const from = memorySink('from-now')
  await it.feed(from)
  expect(from.given.size).toBe(0)
})

test('records of the past come page by page, and go on where a killed process was', async () => {
  const records = some(4_500)
  await it.usage.store(records)
  const sink = memorySink('pages', { from: '2026-01-01T00:00:00.000Z' })
  let writes = 0
  const dying = {
    ...sink,
    write: async (entries: readonly SinkEntry[], signal: AbortSignal) => {
      writes += 1
      if (writes === 2) throw new SinkFault('away')
      return sink.write(entries, signal)
    },
  }
  await it.feed(dying)
  expect(await it.told('pages')).toMatchObject({
    ...{ state: 'failing', recordsSent: 2_000 },
    backfill: { isDone: false, records: 2_000 },
  })
  await it.feed(dying)
  expect(sink.given.size).toBe(4_500)
  expect([...sink.times.values()].every((times) => times === 1)).toBe(true)
  expect(await it.told('pages')).toMatchObject({
    state: 'running',
    backfill: { isDone: true, records: 4_500 },
  })
})

test('what is no longer kept when its turn comes is counted, logged and shown, never passed over in silence', async () => {
  const sink = memorySink('late')
  const quick = memorySink('quick')
  for (const one of [sink, quick]) await it.feed(one)
  await it.usage.store(some(40))
  await it.usage.store(some(10))
  await it.feed(quick)
  await it.query(`update usage_batches set stored_at = stored_at - interval '100 days' where entries = 40`)
  const clock = { nowMs: () => Date.now() }
  const kept = { records: 90, minute: 7, hour: 400, day: 1900 }
  await keepOnce({ db: it.db, log: it.plan.log, clock, keptDays: kept })
  expect(await it.told('late')).toMatchObject({ missed: 40 })
  expect(await it.told('quick')).toMatchObject({ missed: 0, recordsSent: 50 })
  await it.query(
    `delete from usage_records where request_id = (select request_ids[1] from usage_batches limit 1)`,
  )
  await it.feed(sink)
  expect(await it.told('late')).toMatchObject({ missed: 41, recordsSent: 9, state: 'incomplete' })
  const lost = it.logLines.filter((line) => line.message.includes('are gone'))
  expect(lost.map((line) => [line.level, line.fields?.['entries']])).toEqual([
    ['error', 40],
    ['error', 1],
  ])
})

test('what a re-rating adds reaches a sink, whether it was on then or is switched on later', async () => {
  const sink = sinkOn(fake, COSMOS_KEY)
  const plane = await startTestPlane({ databaseUrl: it.url, ports: { sinks: [sink] } })
  try {
    const { client } = plane
    const account = { name: 'a', apiStyle: 'openai', origin: 'https://api.openai.com' } as const
    const { id: resourceId } = await client.resources.create({
      body: { ...account, secretRef: 'env://OPENAI_API_KEY' as never },
    })
    const body = { name: 'gpt', resourceId, upstreamModel: 'gpt' }
    const { id: deploymentId } = await client.deployments.create({ body })
    await until(async () => (await client.sinks.list()).data.length === 1, 'the sink to be known')
    const plain = { usageDetails: null, serviceTier: null, deploymentId }
    await it.usage.store(
      some(6).map((record) => ({ ...record, ...plain, startedAt: '2026-11-01T10:00:00.000Z' })),
    )
    const lines = [
      { kind: 'input', nanos: 77_777_777 },
      { kind: 'output', nanos: 3 },
    ] as const
    await client.prices.create({
      body: { model: 'gpt', currency: 'USD', effectiveFrom: '2026-10-01T00:00:00Z', lines: [...lines] },
    })
    const asked = { from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z', reason: 'late contract' }
    const { confirm } = await client.reratings.create({ body: asked })
    const { effect } = await client.reratings.create({ body: { ...asked, confirm } })
    expect(effect.corrected).toBe(6)
    await until(async () => (await it.told('cosmos')).correctionsSent === 6, 'the corrections')
    const rows = await it.query(`
      select ((select sum(cost_nanos) from usage_records) + (select sum(nanos) from cost_corrections))::text
        as nanos`)
    expect((await sums()).cosmos).toEqual({ count: 12, nanos: rows[0]?.nanos })
    const corrections = [...fake.items.values()].filter((item) => item['type'] === 'cost_correction')
    expect(new Set(corrections.map((item) => item.partition))).toEqual(
      new Set([...fake.items.values()].map((item) => item.partition)),
    )
    const later = memorySink('later', { from: '2026-11-01T00:00:00.000Z' })
    await it.feed(later)
    expect([...later.given.values()].map((entry) => entry.kind).toSorted()).toEqual([
      ...Array.from({ length: 6 }, () => 'correction'),
      ...Array.from({ length: 6 }, () => 'record'),
    ])
  } finally {
    await plane.stop()
  }
})

test('two control planes with different settings do not move each other’s place', async () => {
  const mine = memorySink('shared', { target: 'memory/a' })
  const theirs = memorySink('shared', { target: 'memory/b' })
  await it.feed(mine)
  await it.feed(theirs)
  await it.usage.store(some(3))
  await expect(feedAll(it, mine)).rejects.toThrow('give all control planes the same settings')
  await feedAll(it, theirs)
  expect([mine.given.size, theirs.given.size]).toEqual([0, 3])
})
