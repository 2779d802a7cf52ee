/** What a sink would not take is shown, tried again or forgotten by people, and a sink that is no more is forgotten too. */
import { SinkFault } from '@headgate/domain/sink'
import { entryId, type SinkEntry } from '@headgate/domain/sink-entry'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../admin/harness.ts'
import { usageRecord } from '../admin/usage-record.ts'
import { type CosmosFake, startCosmosFake } from './cosmos-fake.ts'
import {
  COSMOS_KEY,
  feedAll,
  type MemorySink,
  memorySink,
  type SinkWorld,
  sinkOn,
  sinkWorld,
} from './world.ts'

let it: SinkWorld
let plane: TestPlane
let fake: CosmosFake
beforeAll(async () => {
  it = await sinkWorld()
  fake = await startCosmosFake({ key: COSMOS_KEY })
  // It has no sinks of its own, so it feeds none.
  plane = await startTestPlane({ databaseUrl: it.url })
})
afterAll(async () => {
  await plane.stop()
  await it.close()
  await fake.close()
})
beforeEach(async () => {
  await it.query(`truncate usage_sinks, usage_batches, usage_sink_refusals, usage_records cascade`)
  fake.items.clear()
  fake.fate = () => 'serve'
})

let made = 0
const some = (count: number) =>
  Array.from({ length: count }, () => {
    made += 1
    return usageRecord(made, { costNanos: made })
  })
const idsOf = (records: ReturnType<typeof some>) =>
  records.map((record) => entryId({ kind: 'record', record }))

/** A sink that refuses what is in its list, with calls stored for it: so many good ones, and the refused ones. */
async function picky({ good = 0, bad }: { good?: number; bad: number }) {
  const sink: MemorySink = memorySink('picky')
  const refusedIds = new Set<string>()
  sink.judge = (entry: SinkEntry) => (refusedIds.has(entryId(entry)) ? `no ${refusedIds.size}` : null)
  await it.feed(sink)
  const records = some(good + bad)
  const ids = idsOf(records.slice(good))
  for (const id of ids) refusedIds.add(id)
  await it.usage.store(records)
  await it.feed(sink)
  const { id: sinkId } = await it.told('picky')
  expect(await it.told('picky')).toMatchObject({ putAside: bad, recordsSent: good + bad })
  return { sink, ids, refusedIds, params: { sinkId } }
}

async function listed(sinkId: string) {
  return (await plane.client.sinkRefusals.list({ params: { sinkId } })).data
}

test('what a sink refused is listed with its reasons, page by page, latest request first', async () => {
  const { ids, params } = await picky({ good: 3, bad: 5 })
  const first = await plane.client.sinkRefusals.list({ params, query: { limit: 3 } })
  const cursor = first.page.nextCursor ?? ''
  const second = await plane.client.sinkRefusals.list({ params, query: { limit: 3, cursor } })
  expect(second.page).toEqual({ nextCursor: null, hasMore: false })
  const all = [...first.data, ...second.data]
  expect(all.map((one) => one.id)).toEqual(ids.toReversed())
  expect(all[0]).toMatchObject({
    ...{ kind: 'record', requestId: ids.at(-1)?.slice(0, -2), attempt: 1 },
    ...{ reason: 'no 5', tries: 1, retryAskedAt: null },
  })
  const other = await it.told('picky')
  const missing = { sinkId: `${other.id.slice(0, -1)}${other.id.endsWith('0') ? '1' : '0'}` }
  await expect(plane.client.sinkRefusals.list({ params: missing })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test('what is tried again and taken is put aside no more; what is refused again has its reason of now', async () => {
  const { sink, ids, refusedIds, params } = await picky({ bad: 30 })
  const [stubborn = '', ...better] = ids
  for (const id of better) refusedIds.delete(id)
  const asked = await plane.client.sinkRefusals.retry({ params, body: { ids: null } })
  expect(asked).toEqual({ entries: 30 })
  expect((await listed(params.sinkId)).every((one) => one.retryAskedAt !== null)).toBe(true)
  expect(await plane.client.sinkRefusals.retry({ params, body: { ids: null } })).toEqual({ entries: 0 })
  await it.feed(sink)
  expect(await listed(params.sinkId)).toMatchObject([
    { id: stubborn, reason: 'no 1', tries: 2, retryAskedAt: null },
  ])
  expect([...sink.given.keys()].toSorted()).toEqual(better.toSorted())
  expect(await it.told('picky')).toMatchObject({ putAside: 1, recordsSent: 30, state: 'running' })
  refusedIds.clear()
  await plane.client.sinkRefusals.retry({ params, body: { ids: [stubborn] } })
  await it.feed(sink)
  expect(await it.told('picky')).toMatchObject({ putAside: 0, recordsSent: 30 })
  const { data } = await plane.client.auditEvents.list({
    query: { subjectId: params.sinkId, result: 'done' },
  })
  expect(data.map((event) => [event.action, event.after])).toEqual([
    ['sink-refusal.retried', { ids: [stubborn], entries: 1 }],
    ['sink-refusal.retried', { ids: 'all', entries: 30 }],
  ])
})

test('Cosmos DB is given again what it answered 400 to, however many and whoever of them it takes', async () => {
  const sink = sinkOn(fake, COSMOS_KEY)
  await it.feed(sink)
  const records = some(25)
  const poison = new Set(idsOf(records.slice(0, 24)))
  fake.fate = (ids) => {
    const onItem = ids.find((id) => poison.has(id))
    return onItem === undefined ? 'serve' : { status: 400, onItem }
  }
  await it.usage.store(records)
  await feedAll(it, sink)
  const { id: sinkId } = await it.told('cosmos')
  expect(await it.told('cosmos')).toMatchObject({ putAside: 24 })
  await plane.client.sinkRefusals.retry({ params: { sinkId }, body: { ids: null } })
  // All of them refused again is no fault of the container, since nobody claims that they are good.
  await it.feed(sink)
  expect(await it.told('cosmos')).toMatchObject({ putAside: 24, state: 'running' })
  poison.clear()
  await plane.client.sinkRefusals.retry({ params: { sinkId }, body: { ids: null } })
  await it.feed(sink)
  expect(await it.told('cosmos')).toMatchObject({ putAside: 0, state: 'running' })
  expect(fake.items.size).toBe(25)
})

test('a refused correction is tried again as itself, beside the others of its call', async () => {
  const sink = memorySink('corrections')
  await it.feed(sink)
  const [record] = some(1)
  if (record === undefined) return
  await it.usage.store([record])
  await it.query(`insert into reratings (id, from_at, to_at, reason, records, corrected, newly_priced, still_unknown,
    differences, created_at) values ('rrt_1', now() - interval '1 day', now(), 'x', 1, 1, 0, 0, '[]', now()) on conflict do nothing`)
  for (const currency of ['EUR', 'USD'])
    await it.query(`insert into cost_corrections (rerating_id, started_at, request_id, attempt, currency, nanos,
      newly_priced, endpoint, outcome) values ('rrt_1', '${record.startedAt}', '${record.requestId}', 1,
      '${currency}', 5, false, 'chat-completions', 'succeeded')`)
  await it.feed(sink)
  const { id: sinkId } = await it.told('corrections')
  const id = `${record.requestId}-1-rrt_1-EUR`
  await it.query(
    `insert into usage_sink_refusals (sink_id, entry_id, reason) values ('${sinkId}', '${id}', 'x')`,
  )
  await it.query(`update usage_sinks set put_aside = 1`)
  expect(await listed(sinkId)).toMatchObject([{ id, kind: 'correction', attempt: 1 }])
  sink.given.clear()
  await plane.client.sinkRefusals.retry({ params: { sinkId }, body: { ids: [id] } })
  await it.feed(sink)
  expect([...sink.given.keys()]).toEqual([id])
  expect(await it.told('corrections')).toMatchObject({ putAside: 0 })
})

test('a record that is no longer kept says so when it is tried again, and stays in sight until it is forgotten', async () => {
  const { sink, ids, refusedIds, params } = await picky({ bad: 2 })
  await it.query(`delete from usage_records where request_id = '${ids[0]?.slice(0, -2)}'`)
  refusedIds.clear()
  await plane.client.sinkRefusals.retry({ params, body: { ids: null } })
  await it.feed(sink)
  expect(await listed(params.sinkId)).toMatchObject([
    { id: ids[0], reason: 'its record is no longer kept', tries: 2 },
  ])
  const told = await plane.client.sinkRefusals.forget({ params, body: { ids: [ids[0] ?? ''] } })
  expect(told).toEqual({ entries: 1 })
  expect(await it.told('picky')).toMatchObject({ putAside: 0 })
})

test('what is forgotten is never tried again, its record stays, and the list of audit events says who did it', async () => {
  const { sink, ids, refusedIds, params } = await picky({ good: 1, bad: 3 })
  refusedIds.clear()
  await plane.client.sinkRefusals.retry({ params, body: { ids: null } })
  await plane.client.sinkRefusals.forget({ params, body: { ids: ids.slice(0, 2) } })
  await it.feed(sink)
  expect([...sink.given.keys()].filter((id) => ids.includes(id))).toEqual([ids[2]])
  expect(await it.told('picky')).toMatchObject({ putAside: 0 })
  expect(await it.query(`select count(*)::int as count from usage_records`)).toEqual([{ count: 4 }])
  const query = { subjectId: params.sinkId, action: 'sink-refusal.forgotten' }
  const { data } = await plane.client.auditEvents.list({ query })
  expect(data.map((event) => event.after)).toEqual([{ ids: ids.slice(0, 2), entries: 2 }])
})

test('it is said which ones, all or some; one that is not there is named, and then nothing is done', async () => {
  const { ids, params } = await picky({ bad: 2 })
  const stranger = 'req_00000000000000000000000000-7'
  for (const act of [plane.client.sinkRefusals.retry, plane.client.sinkRefusals.forget]) {
    for (const body of [{}, { ids: 'all' }, { ids: [] }, { ids: ['x'] }, { ids, more: 1 }])
      await expect(act({ params, body: body as never })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(act({ params, body: { ids: [...ids, stranger] } })).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(stranger),
    })
  }
  expect(await listed(params.sinkId)).toMatchObject([{ retryAskedAt: null }, { retryAskedAt: null }])
})

test('a sink that is away while it should try again is asked later, and what is new does not wait for that', async () => {
  const { sink, ids, refusedIds, params } = await picky({ bad: 1 })
  refusedIds.clear()
  let isAway = true
  const away: MemorySink = {
    ...sink,
    write: async (entries, signal) => {
      if (isAway && entries.some((entry) => ids.includes(entryId(entry)))) throw new SinkFault('away', 1)
      return sink.write(entries, signal)
    },
  }
  await plane.client.sinkRefusals.retry({ params, body: { ids: null } })
  await it.usage.store(some(5))
  await it.feed(away)
  expect(sink.given.size).toBe(5)
  expect(await it.told('picky')).toMatchObject({ putAside: 1, lastError: 'away', lagSeconds: 0 })
  expect(await listed(params.sinkId)).toMatchObject([{ tries: 1, retryAskedAt: expect.any(String) }])
  isAway = false
  await it.feed(away)
  expect(await it.told('picky')).toMatchObject({ putAside: 0, state: 'running' })
})

test('two control planes that try again at once count each once', async () => {
  const { sink, refusedIds, params } = await picky({ bad: 40 })
  refusedIds.clear()
  await plane.client.sinkRefusals.retry({ params, body: { ids: null } })
  const twin = { ...sink }
  await Promise.all([it.feed(sink), it.feed(twin)])
  expect(sink.given.size).toBe(40)
  expect(await it.told('picky')).toMatchObject({ putAside: 0, recordsSent: 40 })
  expect(await listed(params.sinkId)).toEqual([])
})

test('a sink is forgotten when nobody feeds it: its place, its refusals and what waited for it alone', async () => {
  const { sink, params } = await picky({ bad: 1 })
  const other = memorySink('other')
  await it.feed(other)
  await it.usage.store(some(3))
  await expect(plane.client.sinks.forget({ params })).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('out of the settings'),
  })
  await it.query(`update usage_sinks set ran_at = now() - interval '6 minutes' where name = 'picky'`)
  expect(await plane.client.sinks.forget({ params })).toMatchObject({ name: 'picky', state: 'stopped' })
  expect((await plane.client.sinks.list()).data.map((one) => one.name)).toEqual(['other'])
  await expect(plane.client.sinkRefusals.list({ params })).rejects.toMatchObject({ code: 'not_found' })
  const batches = () => it.query(`select count(*)::int as count from usage_batches`)
  expect(await batches()).toEqual([{ count: 1 }])
  await feedAll(it, other)
  expect(other.given.size).toBe(3)
  // Whoever still has it in the settings cannot go on where it was.
  await expect(feedAll(it, sink)).rejects.toThrow('its place is now kept for nothing')
  await it.usage.store(some(2))
  await it.query(`update usage_sinks set ran_at = null`)
  const { id } = await it.told('other')
  await plane.client.sinks.forget({ params: { sinkId: id } })
  expect(await batches()).toEqual([{ count: 0 }])
  await it.usage.store(some(2))
  expect(await batches()).toEqual([{ count: 0 }])
  const { data } = await plane.client.auditEvents.list({
    query: { action: 'sink.forgotten', result: 'done' },
  })
  expect(data.map((event) => [event.subjectId, event.before])).toEqual([
    [id, expect.objectContaining({ name: 'other' })],
    [params.sinkId, expect.objectContaining({ name: 'picky', putAside: 1 })],
  ])
  // And made known again it begins anew.
  await it.feed(memorySink('picky'))
  expect(await it.told('picky')).toMatchObject({ putAside: 0, recordsSent: 0, state: 'running' })
})

test('a sink that is forgotten while calls are stored leaves nothing behind that waits for it', async () => {
  const sink = memorySink('gone')
  await it.feed(sink)
  const { id: sinkId } = await it.told('gone')
  await it.query(`update usage_sinks set ran_at = null`)
  const storing = Array.from({ length: 8 }, () => it.usage.store(some(20)))
  await Promise.all([...storing, plane.client.sinks.forget({ params: { sinkId } })])
  expect(await it.query(`select count(*)::int as count from usage_batches`)).toEqual([{ count: 0 }])
  expect(await it.query(`select count(*)::int as count from usage_records`)).toEqual([{ count: 160 }])
  await expect(feedAll(it, sink)).rejects.toThrow(SinkFault)
})
