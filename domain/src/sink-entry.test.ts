/** What sinks are given: money exact in every form, ids that are of one entry alone, and nothing that a caller wrote. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { usageRecord } from '../../tests/admin/usage-record.ts'
import type { CostCorrection } from './rerating.ts'
import { entryFields, entryId, entryNamed, entryPlace, type SinkEntry, SinkEntryId } from './sink-entry.ts'

function correction(nanos: number, changes: Partial<CostCorrection> = {}): SinkEntry {
  const { requestId, attempt, startedAt, keyId, userId, appId, teamId, endpoint } = usageRecord(1)
  const call = { requestId, attempt, startedAt, keyId, userId, appId, teamId, endpoint }
  const rest = { alias: 'gpt', deploymentId: 'dep_1', outcome: 'succeeded', priceId: 'pri_1' } as const
  const priced = { agreementId: null, currency: 'USD', nanos, newlyPriced: false, reratingId: 'rrt_1' }
  return { kind: 'correction', correction: { ...call, ...rest, ...priced, ...changes } }
}

test('money is the same to the nano as decimal text and as nanos, with its sign', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (nanos) => {
      const { cost, cost_nanos } = entryFields(correction(nanos)) as { cost: string; cost_nanos: string }
      expect(cost_nanos).toBe(String(nanos))
      expect(cost).toMatch(/^-?\d+\.\d{9}$/)
      expect(BigInt(cost.replace('.', ''))).toBe(BigInt(nanos))
    }),
  )
})

test('a cost that is unknown is null, never zero', () => {
  const record = usageRecord(1, { costNanos: null, costState: 'unknown', currency: null })
  expect(entryFields({ kind: 'record', record })).toMatchObject({ cost: null, cost_nanos: null })
  const free = usageRecord(1, { costNanos: 0, costState: 'free' })
  expect(entryFields({ kind: 'record', record: free })).toMatchObject({
    cost: '0.000000000',
    cost_nanos: '0',
  })
})

test('ids are made of what an entry is of, and no two entries share one', () => {
  const entries: SinkEntry[] = [
    { kind: 'record', record: usageRecord(1) },
    { kind: 'record', record: usageRecord(1, { attempt: 2 }) },
    { kind: 'record', record: usageRecord(2) },
    correction(1),
    correction(1, { currency: 'EUR' }),
    correction(1, { attempt: 2 }),
    correction(1, { reratingId: 'rrt_2' } as never),
  ]
  const ids = entries.map(entryId)
  expect(new Set(ids).size).toBe(entries.length)
  expect(entries.map(entryId)).toEqual(ids)
  expect(ids[0]).toBe(`req_${'1'.padStart(26, '0')}-1`)
  for (const [nth, entry] of entries.entries()) {
    const { requestId, attempt } = entry.kind === 'record' ? entry.record : entry.correction
    expect(entryNamed(ids[nth] ?? '')).toEqual({ kind: entry.kind, requestId, attempt })
    expect(SinkEntryId.safeParse(ids[nth]).success).toBe(true)
  }
})

test.each([
  '',
  'req_1',
  'req_1-',
  'req_1-x',
  '-1',
  'req_1-1-rrt_1',
  'req_1-1-rrt_1-eur',
  'req_1-1-rrt_1-EUR-',
  'req 1-1',
])('%j is the id of no entry', (id) => {
  expect(entryNamed(id)).toBeNull()
  expect(SinkEntryId.safeParse(id).success).toBe(false)
})

test('fields have the names of the admin API, tokens lie flat, and why a call was refused stays here', () => {
  const fields = entryFields({ kind: 'record', record: usageRecord(3) })
  expect(fields).toMatchObject({
    ...{ type: 'usage_record', team_id: 'team_1', input_tokens: 100, cached_input_tokens: 10 },
    ...{ usage_details: { cache_write: 7, input_audio_ms: 1500 }, shadow_refusal: { policy_id: 'pol_1' } },
  })
  for (const name of Object.keys(fields)) expect(name).toMatch(/^[a-z][a-z_]*$/)
  expect(fields).not.toHaveProperty('decision')
  expect(entryPlace(correction(5))).toMatchObject({ teamId: 'team_1' })
})
