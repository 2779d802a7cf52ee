import { expect, test } from 'vitest'
import { noTokens } from './usage.ts'
import { recordOfLost, type UsageIntent, type UsageProgress } from './usage-intent.ts'
import { UsageRecord } from './usage-record.ts'

const intent: UsageIntent = {
  ...{ requestId: 'req_1', attempt: 2, startedAtMs: 1_764_000_000_123, keyId: 'key_1', userId: null },
  ...{ appId: 'app_1', teamId: 'team_1', endpoint: 'chat.completions', alias: 'gpt-4o' },
  ...{ deploymentId: 'dep_1', resourceId: 'res_1', upstreamModel: 'gpt-4o', stream: true, requestBytes: 99 },
  ...{ catalogVersion: 7, shadowRefusal: null, inputTokens: 12 },
  ...{
    costNanos: 30,
    costState: 'priced',
    currency: 'USD',
    priceId: 'pri_1',
    agreementId: null,
    clientTag: null,
  },
  serviceTier: null,
}
const progress: UsageProgress = {
  ...{ tokens: { ...noTokens, input: 12, output: 500 }, usageSource: 'estimated', replyBytes: 4000 },
  ...{ costNanos: 5030, costState: 'priced', currency: 'USD', priceId: 'pri_1', agreementId: null },
  ...{ serviceTier: 'flex', usageDetails: { cacheWrite: 3 } },
}

test('nothing sent: a record that costs nothing', () => {
  const record = recordOfLost(intent, { sent: false, progress: null })
  expect(UsageRecord.parse(record)).toEqual(record)
  expect(record).toMatchObject({
    ...{ requestId: 'req_1', attempt: 2, startedAt: '2025-11-24T16:00:00.123Z', outcome: 'failed' },
    ...{ tokens: noTokens, usageSource: 'none', costNanos: null, costState: 'none', priceId: null },
  })
})

test('sent and no answer seen: the prompt, marked as an estimate', () => {
  expect(recordOfLost(intent, { sent: true, progress: null })).toMatchObject({
    ...{ outcome: 'failed', errorCode: 'gateway_lost', tokens: { ...noTokens, input: 12 } },
    ...{ usageSource: 'estimated', costNanos: 30, costState: 'priced', priceId: 'pri_1' },
  })
})

test('an answer under way: what was last noted of it', () => {
  const record = recordOfLost(intent, { sent: true, progress })
  expect(record).toMatchObject({ outcome: 'truncated', status: 200, ...progress })
  expect(recordOfLost(intent, { sent: true, progress })).toEqual(record)
})

test('an endpoint that counts no tokens costs nothing, sent or not', () => {
  const free = { ...intent, inputTokens: 0 }
  expect(recordOfLost(free, { sent: true, progress: null })).toMatchObject({
    usageSource: 'none',
    costState: 'none',
  })
})
