/** Well-formed things for contract tests, each with one detail a test may set. */
import { CatalogDocument } from '@headgate/domain/catalog'
import { type IdPrefix, idSource } from '@headgate/domain/id'
import { KeyRecord } from '@headgate/domain/proxy-key'
import { UsageRecord } from '@headgate/domain/usage-record'

function newId(prefix: IdPrefix): string {
  return idSource()(prefix, Date.now())
}

/** Hex, 64 digits, not the digest of any key. */
export function newDigest(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')
}

export function sampleKey(changes: Partial<KeyRecord> = {}): KeyRecord {
  return KeyRecord.parse({
    id: newId('key'),
    name: 'nightly batch',
    teamId: newId('team'),
    appId: newId('app'),
    userId: null,
    state: 'active',
    allowedModels: null,
    requestsPerMinute: 60,
    tokensPerMinute: null,
    digest: newDigest(),
    expiresAtMs: null,
    ...changes,
  })
}

export function sampleUsage(changes: Partial<UsageRecord> = {}): UsageRecord {
  return UsageRecord.parse({
    requestId: newId('req'),
    attempt: 1,
    startedAt: '2026-11-23T10:00:00.000Z',
    keyId: newId('key'),
    userId: null,
    appId: newId('app'),
    teamId: newId('team'),
    endpoint: 'chat-completions',
    alias: 'demo-chat',
    deploymentId: newId('dep'),
    resourceId: newId('res'),
    upstreamModel: 'demo',
    stream: false,
    status: 200,
    outcome: 'succeeded',
    errorCode: null,
    tokens: { input: 12, cachedInput: 0, output: 30, reasoning: 0 },
    usageSource: 'reported',
    costNanos: 1_234,
    costState: 'priced',
    currency: 'USD',
    priceId: newId('pri'),
    requestBytes: 400,
    replyBytes: 900,
    overheadMicros: 210,
    firstByteMs: 35,
    totalMs: 80,
    catalogVersion: 7,
    upstreamRequestId: null,
    shadowRefusal: { code: 'model_not_allowed', policyId: newId('pol'), text: 'größe-"x"' },
    ...changes,
  })
}

/** A catalog with one team and nothing to serve. */
export function sampleCatalog(version: number, teamName = 'Platform'): CatalogDocument {
  return CatalogDocument.parse({
    format: 1,
    version,
    compiledAt: '2026-11-23T10:00:00.000Z',
    teams: [{ id: newId('team'), name: teamName, allowedModels: null }],
    apps: [],
    resources: [],
    quotas: [],
    deployments: [],
    aliases: [],
    routes: [],
    prices: [],
  })
}

/** Waits until `check` is true, looking every few milliseconds. */
export async function eventually(check: () => unknown, capMs = 5_000): Promise<void> {
  const untilMs = performance.now() + capMs
  while (!(await check())) {
    if (performance.now() > untilMs) throw new Error(`not so within ${capMs} ms: ${check}`)
    await new Promise((done) => setTimeout(done, 5))
  }
}
