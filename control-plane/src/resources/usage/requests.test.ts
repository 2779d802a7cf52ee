/** Requests are found whatever is looked for, and a search that finds little among many reads little. */
import { UsageFilter } from '@headgate/admin-contract/usage'
import { idSource } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { syntheticCall } from '../../../../bench/synthetic-usage.ts'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'
import { rounds } from '../../../../tests/servers/rounds.ts'
import { usageStore } from '../../jobs/store-usage.ts'
import { listUsage, usagePage } from './list-usage.ts'
import { searchHours } from './search-hours.ts'

const DAYS = 4
const CALLS = 30_000
const RARE = 3
const nowMs = Date.now()
const span = { fromMs: Math.floor(nowMs / 86_400_000 - DAYS) * 86_400_000, days: DAYS, calls: CALLS }
const newId = idSource()

let it: TestPlane
let rare: UsageRecord[]
/** One an hour. */
let hourly: UsageRecord[]
/** Latest first. */
let all: UsageRecord[]
const keyOf = (one: UsageRecord) => `${one.startedAt} ${one.requestId} ${one.attempt}`
let team: string
beforeAll(async () => {
  it = await startTestPlane()
  const made = await it.client.teams.create({ body: { name: 'Payments' } })
  team = made.id
  const calls = Array.from({ length: CALLS }, (_, n) => syntheticCall(n, span))
  rare = Array.from({ length: RARE }, (_, n) => {
    const call = syntheticCall(Math.floor(CALLS / 2) + n, span)
    const requestId = newId('req', Date.parse(call.startedAt))
    const dear = { costNanos: 9_000_000_000, costState: 'priced', currency: 'USD', priceId: 'pri_1' } as const
    return {
      ...{ ...call, ...dear, requestId, teamId: team, totalMs: 600_000 },
      ...{
        outcome: 'truncated',
        errorCode: 'upstream_broke',
        alias: 'seldom',
        deploymentId: 'dep_seldom',
        resourceId: 'res_seldom',
      },
      ...{ keyId: 'key_seldom', appId: 'app_seldom', userId: 'usr_seldom', clientTag: 'seldom' },
    } as UsageRecord
  })
  hourly = Array.from({ length: DAYS * 24 }, (_, hour) => {
    const startedAt = new Date(span.fromMs + hour * 3_600_000 + 1_800_000).toISOString()
    const requestId = newId('req', Date.parse(startedAt))
    return { ...syntheticCall(hour, span), startedAt, requestId, endpoint: 'audio', status: 418 }
  })
  const { store } = usageStore(it.db)
  for (let at = 0; at < CALLS; at += 2_000) await store(calls.slice(at, at + 2_000))
  await store([...rare, ...hourly])
  all = [...calls, ...rare, ...hourly].toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))
  await sql`analyze`.execute(it.db)
}, 240_000)
afterAll(() => it.stop())

const ids = (records: readonly { requestId: string }[]) => records.map((one) => one.requestId)
const latestFirst = () => ids(rare).toSorted().toReversed()

test('a page has names beside ids, and pages follow each other without a gap', async () => {
  const first = await it.client.requests.list({ query: { teamId: team, limit: 2 } })
  expect(first.data[0]?.team).toEqual({ id: team, name: 'Payments' })
  expect(first.data[0]?.app).toEqual({ id: 'app_seldom', name: null })
  const cursor = first.page.nextCursor ?? ''
  const second = await it.client.requests.list({ query: { teamId: team, limit: 2, cursor } })
  expect([...ids(first.data), ...ids(second.data)]).toEqual(latestFirst())
  expect(second.page.nextCursor).toBe(null)
})

test.each([
  ['min_cost_nanos', '9000000000', 3],
  ['min_cost_nanos', '9000000001', 0],
  ['min_total_ms', '600000', 3],
  ['min_total_ms', '600001', 0],
  ['outcome', 'truncated', 3],
  ['error_code', 'upstream_broke', 3],
])('%s=%s finds what has it, and no more', async (name, value, count) => {
  const { json } = await it.ask('GET', `/api/v1/requests?${name}=${value}`)
  expect(json.data.map((one: { request_id: string }) => one.request_id)).toEqual(
    latestFirst().slice(0, count),
  )
})

test('a request is found by its id, and one that is made up is not', async () => {
  const [one] = rare as [UsageRecord]
  const find = async (requestId: string) => (await it.client.requests.list({ query: { requestId } })).data
  expect(ids(await find(one.requestId))).toEqual([one.requestId])
  expect(await find(newId('req', nowMs))).toEqual([])
  expect(await find(`req_${'Z'.repeat(26)}`)).toEqual([])
})

test('what is no filter is refused by name', async () => {
  for (const query of ['min_cost_nanos=-1', 'min_total_ms=soon', 'request_id=x', 'min_cost=1']) {
    const { status, json } = await it.ask('GET', `/api/v1/requests?${query}`)
    expect([query, status, json.errors[0].pointer]).toEqual([query, 400, `?${query.split('=')[0]}`])
  }
})

type Node = { 'Node Type': string; 'Relation Name'?: string; Plans?: Node[] } & Record<string, unknown>

function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)]
}

const pagesOf = (node: Node) => Number(node['Shared Hit Blocks']) + Number(node['Shared Read Blocks'])

test.each([
  ['nothing', ''],
  ['one team', () => `teamId=${team}`],
  ['one team of many', 'teamId=team_00000000000000000000000003'],
  ['a rare app', 'appId=app_seldom'],
  ['a rare key', 'keyId=key_seldom'],
  ['a rare user', 'userId=usr_seldom'],
  ['a rare alias', 'alias=seldom'],
  ['a rare deployment', 'deploymentId=dep_seldom'],
  ['a rare client of a team', () => `teamId=${team}&clientTag=seldom`],
  ['a rare outcome', 'outcome=truncated'],
  ['an outcome that nothing had', 'outcome=failed&errorCode=nothing', true],
  ['a rare error', 'errorCode=upstream_broke'],
  ['what was dear', 'minCostNanos=5000000000'],
  ['what was slow', 'minTotalMs=500000'],
  ['one request', () => `requestId=${rare[0]?.requestId}`],
  ['one outcome of many', 'outcome=refused,failed'],
  [
    'a day',
    `from=${new Date(span.fromMs).toISOString()}&to=${new Date(span.fromMs + 86_400_000).toISOString()}`,
  ],
  ['a rare resource', 'resourceId=res_seldom'],
  ['a rare resource and a status', 'resourceId=res_seldom&status=200,502'],
  ['an endpoint that no call has', 'endpoint=none', true],
  ['a model that no call has', 'model=none', true],
  ['a status that no call has', 'status=409', true],
  ['a resource that no call has', 'resourceId=res_none', true],
  ['what only other teams have', () => `teamId=${team}&endpoint=audio`, true],
])(
  'a page that looks for %s goes through no partition from end to end',
  async (_, filter, isNowhere = false) => {
    const asked = typeof filter === 'string' ? filter : filter()
    const query = { ...UsageFilter.parse(Object.fromEntries(new URLSearchParams(asked))), limit: 50 }
    const search = { filter: query, beforeMs: nowMs + 86_400_000, count: 51, ofTeams: false }
    const hours = await searchHours(it.db, search)
    if (isNowhere) {
      expect(hours).toEqual({ ranges: [], isAll: true })
      return
    }
    const explained = (await usagePage(it.db, query, hours).explain(
      'json',
      sql`analyze, buffers`,
    )) as unknown as {
      'QUERY PLAN': [{ Plan: Node }]
    }[]
    const plan = (explained[0]?.['QUERY PLAN'] ?? (explained[0] as never)?.['queryPlan']) as [{ Plan: Node }]
    const root = plan[0].Plan
    // To go through an empty partition is no harm, and cheaper than its index.
    const scans = nodesOf(root).filter((node) => node['Node Type'] === 'Seq Scan' && pagesOf(node) > 0)
    expect(scans).toEqual([])
    const { rows } = await sql<{ pages: number }>`
    select sum(relpages)::int as pages from pg_class where relname ~ '^usage_records_\\d{8}$'`.execute(it.db)
    expect(pagesOf(root)).toBeLessThan((rows[0]?.pages ?? 0) / 4)
  },
)

const listing = () => ({ db: it.db, nowMs, teamIds: null })

/** All pages, and how many records each of them held. */
async function everyPage(query: Record<string, unknown>): Promise<{ found: string[]; sizes: number[] }> {
  const found: string[] = []
  const sizes: number[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await listUsage(
      { limit: 50, ...query, ...(cursor === undefined ? {} : { cursor }) },
      listing(),
    )
    found.push(...page.data.map(keyOf))
    sizes.push(page.data.length)
    expect(page.page.hasMore).toBe(page.page.nextCursor !== null)
    if (page.page.nextCursor === null) return { found, sizes }
    cursor = page.page.nextCursor
  }
}

test('what lies far back is found page by page: each leads on and holds something', async () => {
  const { found, sizes } = await everyPage({ endpoint: ['audio'], limit: 200 })
  expect(found).toEqual(hourly.map(keyOf).toSorted().toReversed())
  expect(sizes.length).toBeGreaterThan(1)
  expect(sizes.every((size) => size > 0)).toBe(true)
})

const columns = {
  teamId: (one: UsageRecord) => one.teamId,
  appId: (one: UsageRecord) => one.appId,
  keyId: (one: UsageRecord) => one.keyId,
  endpoint: (one: UsageRecord) => one.endpoint,
  alias: (one: UsageRecord) => one.alias,
  model: (one: UsageRecord) => one.upstreamModel,
  deploymentId: (one: UsageRecord) => one.deploymentId,
  resourceId: (one: UsageRecord) => one.resourceId,
  status: (one: UsageRecord) => String(one.status),
  outcome: (one: UsageRecord) => one.outcome,
  errorCode: (one: UsageRecord) => one.errorCode,
}

test('whatever is looked for, all pages together hold what has it, in order and nothing twice', async () => {
  const names = fc.subarray(Object.keys(columns) as (keyof typeof columns)[], { minLength: 1, maxLength: 3 })
  const span = fc.option(fc.tuple(fc.nat({ max: 95 }), fc.nat({ max: 95 })), { nil: null })
  const search = fc.record({
    names,
    at: fc.nat({ max: all.length - 1 }),
    other: fc.nat({ max: all.length - 1 }),
    span,
  })
  await fc.assert(
    fc.asyncProperty(search, async ({ names, at, other, span }) => {
      const wanted = names.map((name) => {
        const values = [columns[name](all[at] as UsageRecord), columns[name](all[other] as UsageRecord)]
        return [name, [...new Set(values)].filter((value) => value !== null)] as const
      })
      const hour = (n: number) =>
        new Date(Math.floor(nowMs / 3_600_000 - n) * 3_600_000 - 1_234).toISOString()
      const within = span === null ? {} : { from: hour(Math.max(...span)), to: hour(Math.min(...span)) }
      const fits = (one: UsageRecord) =>
        wanted.every(([name, values]) => (values as unknown[]).includes(columns[name](one))) &&
        (span === null || (one.startedAt >= (within.from ?? '') && one.startedAt < (within.to ?? '')))
      const expected = all.filter(fits).map(keyOf)
      fc.pre(expected.length < 4_000)
      const { found } = await everyPage({ ...Object.fromEntries(wanted), ...within, limit: 200 })
      expect(found).toEqual(expected)
    }),
    { numRuns: rounds(40), seed: 11 },
  )
}, 240_000)
