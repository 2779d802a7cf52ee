/** Rollups tell so many client tags apart and no more, whoever stores them; records keep every one. */
import { OTHER_TAGS, TAGS_PER_DAY_MAX } from '@headgate/domain/client-tag'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestPlane, type TestPlane } from '../../../tests/admin/harness.ts'
import { usageRecord } from '../../../tests/admin/usage-record.ts'
import { checkDay } from './check-usage.ts'
import { keepOnce } from './keep-usage.ts'
import { rebuildDay } from './rebuild-usage.ts'
import { usageStore } from './store-usage.ts'

const from = '2026-11-01T00:00:00Z'
const to = '2026-11-02T00:00:00Z'
const log = () => {}

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

let made = 0
const tagged = (clientTag: string | null, teamId = 'team_0') => usageRecord(++made, { clientTag, teamId })

async function callsByTag(): Promise<Map<string | null, number>> {
  const query = { from, to, by: 'client_tag', limit: 1_000, metric: 'calls' } as const
  const { data } = await it.client.usage.query({ query })
  return new Map(data.map(({ group, sums }) => [group[0]?.value ?? null, sums.calls]))
}

test('cost is told by team and client tag, and filtered by it', async () => {
  await usageStore(it.db).store([
    tagged('acme'),
    tagged('acme'),
    tagged('globex'),
    tagged(null),
    tagged('acme', 'team_1'),
  ])
  const { data } = await it.client.usage.query({ query: { from, to, by: 'team,client_tag', metric: 'cost' } })
  const told = data.map(({ group, sums }) => [...group.map((one) => one.value), sums.costs[0]?.amount])
  expect(told.sort()).toEqual([
    ['team_0', null, '0.000001'],
    ['team_0', 'acme', '0.000002'],
    ['team_0', 'globex', '0.000001'],
    ['team_1', 'acme', '0.000001'],
  ])
  const filtered = await it.client.usage.query({ query: { from, to, clientTag: 'acme,globex', by: 'app' } })
  expect(filtered.data.map(({ sums }) => sums.calls)).toEqual([4])
  const records = await it.client.usage.list({ query: { clientTag: 'globex' } })
  expect(records.data.map((record) => record.clientTag)).toEqual(['globex'])
})

test('tags beyond the bound of a team and a day count together, in every process and when made anew', async () => {
  const batch = Array.from({ length: TAGS_PER_DAY_MAX + 30 }, (_, n) => tagged(`tag-${n}`))
  const half = batch.length / 2
  // Two processes at once, neither of which knows what the other has admitted.
  await Promise.all([
    usageStore(it.db).store(batch.slice(0, half)),
    usageStore(it.db).store(batch.slice(half)),
  ])
  await usageStore(it.db).store([tagged('late'), tagged('acme'), tagged('elsewhere', 'team_2')])
  const before = await callsByTag()
  // Two tags were there before, and of all that came only so many found room.
  expect(before.get(OTHER_TAGS)).toBe(batch.length + 2 - TAGS_PER_DAY_MAX + 1)
  expect([before.get('acme'), before.get('late'), before.get('elsewhere')]).toEqual([4, undefined, 1])
  expect(before.size).toBe(TAGS_PER_DAY_MAX + 3)
  const clock = { nowMs: () => Date.UTC(2026, 10, 2) }
  expect(await checkDay({ db: it.db, log, clock }, '2026-11-01')).toEqual([])
  await rebuildDay({ db: it.db, log }, '2026-11-01')
  expect(await callsByTag()).toEqual(before)
  expect((await it.client.usage.list({ query: { clientTag: 'late' } })).data).toHaveLength(1)
})

test('which tags were told apart is forgotten with the records', async () => {
  const keptDays = { records: 10, minute: 36_500, hour: 36_500, day: 36_500 }
  await keepOnce({ db: it.db, log, clock: { nowMs: () => Date.UTC(2026, 10, 11, 12) }, keptDays })
  expect(await it.db.selectFrom('usageTags').select('day').limit(1).execute()).toHaveLength(1)
  await keepOnce({ db: it.db, log, clock: { nowMs: () => Date.UTC(2026, 10, 12) }, keptDays })
  expect(await it.db.selectFrom('usageTags').select('day').execute()).toEqual([])
})
