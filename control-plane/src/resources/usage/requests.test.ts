/** Requests are found whatever is looked for, and a search that finds little among many reads little. */
import { UsageFilter } from '@headgate/admin-contract/usage'
import { idSource } from '@headgate/domain/id'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { syntheticCall } from '../../../../bench/synthetic-usage.ts'
import { startTestPlane, type TestPlane } from '../../../../tests/admin/harness.ts'
import { usagePartitions } from '../../jobs/usage-partitions.ts'
import { insertUsage } from '../../jobs/usage-rows.ts'
import { usagePage } from './queries.ts'

const DAYS = 4
const CALLS = 40_000
const RARE = 3
const nowMs = Date.now()
const span = { fromMs: Math.floor(nowMs / 86_400_000 - DAYS) * 86_400_000, days: DAYS, calls: CALLS }
const newId = idSource()

let it: TestPlane
let rare: UsageRecord[]
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
      ...{ outcome: 'truncated', errorCode: 'upstream_broke', alias: 'seldom', deploymentId: 'dep_seldom' },
      ...{ keyId: 'key_seldom', appId: 'app_seldom', userId: 'usr_seldom', clientTag: 'seldom' },
    } as UsageRecord
  })
  await usagePartitions(it.db).ensure(
    calls.map((call) => Date.parse(call.startedAt)),
    nowMs,
  )
  for (let at = 0; at < CALLS; at += 2_000) await insertUsage(it.db, calls.slice(at, at + 2_000))
  await insertUsage(it.db, rare)
  await sql`analyze usage_records`.execute(it.db)
}, 60_000)
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
  ['an outcome that nothing had', 'outcome=failed&errorCode=nothing'],
  ['a rare error', 'errorCode=upstream_broke'],
  ['what was dear', 'minCostNanos=5000000000'],
  ['what was slow', 'minTotalMs=500000'],
  ['one request', () => `requestId=${rare[0]?.requestId}`],
  ['one outcome of many', 'outcome=refused,failed'],
  [
    'a day',
    `from=${new Date(span.fromMs).toISOString()}&to=${new Date(span.fromMs + 86_400_000).toISOString()}`,
  ],
])('a page that looks for %s goes through no partition from end to end', async (_, filter) => {
  const asked = typeof filter === 'string' ? filter : filter()
  const query = { ...UsageFilter.parse(Object.fromEntries(new URLSearchParams(asked))), limit: 50 }
  const explained = (await usagePage(it.db, query).explain('json', sql`analyze, buffers`)) as unknown as {
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
})
