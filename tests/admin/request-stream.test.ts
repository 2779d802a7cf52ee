/** Requests as they come: each once, in the order they were stored, to whoever may see them, and to nobody for ever. */
import { adminClient } from '@headgate/admin-contract/client'
import type { StreamEvent } from '@headgate/admin-contract/event-stream'
import type { RequestEntry } from '@headgate/admin-contract/requests'
import { openDatabase } from '@headgate/control-plane/database/open'
import { usageStore } from '@headgate/control-plane/jobs/store-usage'
import { insertUsage } from '@headgate/control-plane/jobs/usage-rows'
import { idSource } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane, until } from './harness.ts'
import { usageRecord } from './usage-record.ts'

const newId = idSource()
let it: TestPlane
let team: string
let count = 0
beforeAll(async () => {
  it = await startTestPlane()
  team = (await it.client.teams.create({ body: { name: 'Payments' } })).id
})
afterAll(() => it.stop())

let lastMs = 0

/** A call of now, each a little later than the one before: within a transaction that is their order. */
function record(changes: Partial<UsageRecord> = {}): UsageRecord {
  const nowMs = Math.max(Date.now(), lastMs + 1)
  lastMs = nowMs
  const startedAt = new Date(nowMs).toISOString()
  count += 1
  return {
    ...usageRecord(count, { shadowRefusal: null, ...changes }),
    startedAt,
    requestId: newId('req', nowMs),
  }
}

type Query = NonNullable<Parameters<TestPlane['client']['requests']['stream']>[0]>['query']

/** Follows until the test ends, or until it is told to stop; fetch is aborted then, as a closed tab does. */
async function follow(query: Query = {}, token = ADMIN_TOKEN) {
  const closing = new AbortController()
  const client = adminClient({
    ...{ origin: it.plane.adminUrl, token },
    fetch: (address, request) => fetch(address, { ...request, signal: closing.signal }),
  })
  const seen: StreamEvent<RequestEntry>[] = []
  const events = await client.requests.stream({ query: { ...query } })
  const end = (async () => {
    for await (const event of events) seen.push(event)
    return null
  })().catch((fault: unknown) => fault)
  const close = () => closing.abort()
  onTestFinished(close)
  return { seen, close, end, ids: () => seen.map((one) => one.data.requestId) }
}

test('what is stored is told to whoever follows, with names, and what is filtered out is not', async () => {
  const [all, some] = [await follow(), await follow({ outcome: 'refused' })]
  const [served, refused] = [record({ teamId: team }), record({ outcome: 'refused', status: 429 })]
  it.ports.usageSource.append(served)
  it.ports.usageSource.append(refused)
  await until(() => all.seen.length === 2 && some.seen.length === 1, 'both to be told')
  expect(all.ids()).toEqual([served.requestId, refused.requestId])
  expect(some.ids()).toEqual([refused.requestId])
  expect(all.seen[0]?.data.team).toEqual({ id: team, name: 'Payments' })
})

test('after a break it goes on after the last event, however many came meanwhile, and tells none twice', async () => {
  const first = await follow()
  const records = Array.from({ length: 500 }, () => record())
  await usageStore(it.db).store(records.slice(0, 3))
  await until(() => first.seen.length === 3, 'three')
  first.close()
  await usageStore(it.db).store(records.slice(3))
  // From the middle of what one transaction stored.
  const rest = await follow({ after: first.seen[1]?.id ?? '' })
  await until(() => rest.seen.length >= 498, 'the rest')
  expect(new Set([...first.ids().slice(0, 2), ...rest.ids()])).toEqual(
    new Set(records.map((one) => one.requestId)),
  )
  expect(rest.seen.length).toBe(498)
})

test('what a slow transaction commits late is told too, and nothing that came after it is told before', async () => {
  const stream = await follow()
  const [late, soon] = [record(), record()]
  const other = openDatabase({
    ...{ url: it.databaseUrl, name: 'test', statementTimeoutMs: 5_000, connectionsMax: 1, log: () => {} },
  })
  onTestFinished(other.close)
  await other.db.transaction().execute(async (db) => {
    await insertUsage(db, [late])
    await insertUsage(it.db, [soon])
    // Longer than it looks for news.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(stream.seen).toEqual([])
  })
  await until(() => stream.seen.length === 2, 'both')
  expect(stream.ids()).toEqual([late.requestId, soon.requestId])
})

test('somebody of one team is told of that team alone', async () => {
  const body = { name: 'viewer', role: 'viewer', teamIds: [team], expiresAt: soonText() } as const
  const { secret } = await it.client.apiTokens.create({ body: { ...body, teamIds: [...body.teamIds] } })
  const stream = await follow({}, secret)
  const whole = await follow()
  const [foreign, mine] = [record(), record({ teamId: team })]
  await usageStore(it.db).store([foreign])
  await usageStore(it.db).store([mine])
  await until(() => whole.seen.length === 2 && stream.seen.length === 1, 'ours')
  expect(stream.ids()).toEqual([mine.requestId])
  // Where the stream of the whole organisation was, theirs goes on without what is not theirs.
  const resumed = await follow({ after: whole.seen[0]?.id ?? '' }, secret)
  await until(() => resumed.seen.length === 1, 'ours again')
  expect(resumed.ids()).toEqual([mine.requestId])
})

const soonText = () => new Date(Date.now() + 3_600_000).toISOString()

test('nobody holds more than five streams, and one that is closed makes room', async () => {
  const body = { name: 'greedy', role: 'viewer', expiresAt: soonText() } as const
  const { secret } = await it.client.apiTokens.create({ body })
  const streams: Awaited<ReturnType<typeof follow>>[] = []
  for (let n = 0; n < 5; n++) streams.push(await follow({}, secret))
  await expect(follow({}, secret)).rejects.toMatchObject({ code: 'too_many_streams', status: 429 })
  await expect(follow()).resolves.toBeDefined()
  streams[0]?.close()
  await until(
    () =>
      follow({}, secret).then(
        () => true,
        () => false,
      ),
    'room',
  )
})

test('an id that is none of ours, an unknown filter and no token are refused before anything is sent', async () => {
  const stream = '/api/v1/requests/stream'
  const wrong = await it.ask('GET', stream, { headers: { 'last-event-id': 'abc' } })
  expect([wrong.status, wrong.json.errors[0].pointer]).toEqual([400, '?after'])
  expect((await it.ask('GET', `${stream}?from=2026-01-01T00:00:00Z`)).status).toBe(400)
  expect((await it.ask('GET', stream, { token: null })).status).toBe(401)
  const good = await it.ask('GET', stream)
  expect([good.status, good.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  expect(good.headers.get('x-content-type-options')).toBe('nosniff')
})

test('a process that stops ends its streams and says so', async () => {
  const other = await startTestPlane({ databaseUrl: it.databaseUrl })
  const client = adminClient({ origin: other.plane.adminUrl, token: ADMIN_TOKEN })
  const events = await client.requests.stream()
  const end = (async () => {
    for await (const _ of events);
  })().catch((fault: unknown) => fault)
  await other.stop()
  expect(await end).toMatchObject({ code: 'draining' })
})
