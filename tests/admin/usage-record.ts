/** A usage record for tests: whole, valid, and a little different for each number. */
import type { UsageRecord } from '@headgate/domain/usage-record'

/** The record of call number `n`; calls are a second apart, from the first of November 2026. */
export function usageRecord(n: number, changes: Partial<UsageRecord> = {}): UsageRecord {
  return {
    requestId: `req_${String(n).padStart(26, '0')}`,
    attempt: 1,
    startedAt: new Date(Date.UTC(2026, 10, 1) + n * 1000).toISOString(),
    keyId: `key_${n % 3}`,
    userId: 'usr_1',
    appId: 'app_1',
    teamId: `team_${n % 2}`,
    endpoint: 'chat-completions',
    alias: 'gpt',
    deploymentId: 'dep_1',
    resourceId: 'res_1',
    upstreamModel: 'gpt-4o',
    stream: true,
    status: 200,
    outcome: 'succeeded',
    errorCode: null,
    tokens: { input: 100, cachedInput: 10, output: 20, reasoning: 5 },
    usageDetails: { cacheWrite: 7, inputAudioMs: 1500 },
    usageSource: 'reported',
    serviceTier: 'flex',
    costNanos: 1_000,
    costState: 'priced',
    currency: 'USD',
    priceId: 'pri_1',
    agreementId: 'agr_1',
    requestBytes: 500,
    replyBytes: 900,
    overheadMicros: 800,
    firstByteMs: 12,
    totalMs: 100,
    catalogVersion: 7,
    upstreamRequestId: 'abc',
    shadowRefusal: { code: 'choices_over_cap', policyId: 'pol_1', text: `"n" asks for ${n} answers` },
    secretNumber: null,
    client: null,
    ...changes,
  }
}
