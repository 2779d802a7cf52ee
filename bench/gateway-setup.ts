/**
 * What the gateway under test is given to serve from: a team, an app, a key with limits far above the load (so
 * that every call is judged against them and none is refused), a priced deployment, and a route from the bench's
 * alias to the mock upstream.
 */
import { CatalogDocument } from '@headgate/domain/catalog'
import { type IdPrefix, idSource } from '@headgate/domain/id'
import { KeyRecord, mintKey } from '@headgate/domain/proxy-key'
import { BENCH_MODEL } from './bodies.ts'

/** The most a limit can be; a bench stays far below it. */
const PER_MINUTE = 1_000_000_000
const UPSTREAM_MODEL = 'gpt-4o-mini'

/** The variable the gateway reads the mock upstream's credential from. */
export const UPSTREAM_KEY_VARIABLE = 'BENCH_UPSTREAM_KEY'

export type GatewaySetup = {
  readonly catalog: CatalogDocument
  readonly record: KeyRecord
  /** The proxy key the loader calls with. */
  readonly key: string
}

/**
 * Makes it all anew.
 * @param digest how the gateway digests keys, under the same pepper
 */
export function gatewaySetup(
  upstreamPort: number,
  digest: (key: string) => string,
  nowMs: number,
): GatewaySetup {
  const newId = idSource()
  const id = (prefix: IdPrefix) => newId(prefix, nowMs)
  const [teamId, appId] = [id('team'), id('app')]
  const key = mintKey('test')
  const record = KeyRecord.parse({
    id: id('key'),
    name: 'bench',
    teamId,
    appId,
    userId: null,
    state: 'active',
    allowedModels: null,
    requestsPerMinute: PER_MINUTE,
    tokensPerMinute: PER_MINUTE,
    digest: digest(key),
    expiresAtMs: null,
  })
  const createdAt = new Date(nowMs).toISOString()
  const catalog = CatalogDocument.parse({
    format: 1,
    version: 1,
    compiledAt: createdAt,
    teams: [{ id: teamId, name: 'Bench', allowedModels: null }],
    apps: [{ id: appId, teamId, name: 'Loader', allowedModels: null }],
    quotas: [],
    ...routeTo(`http://127.0.0.1:${upstreamPort}`, id, createdAt),
    prices: [priceOfUpstream(id, createdAt)],
  })
  return { catalog, record, key }
}

type NewId = (prefix: IdPrefix) => string

/** The way from the bench's alias to an origin. */
function routeTo(origin: string, id: NewId, createdAt: string) {
  const [resourceId, deploymentId, aliasId] = [id('res'), id('dep'), id('ali')]
  const resource = { id: resourceId, name: 'mock', apiStyle: 'openai', origin, apiVersion: null, createdAt }
  const model = { upstreamModel: UPSTREAM_MODEL, pricedAs: UPSTREAM_MODEL }
  return {
    resources: [{ ...resource, secretRef: `env://${UPSTREAM_KEY_VARIABLE}` }],
    deployments: [{ id: deploymentId, name: 'mock-chat', resourceId, quotaId: null, createdAt, ...model }],
    aliases: [{ id: aliasId, name: BENCH_MODEL, createdAt }],
    routes: [
      { id: id('rte'), aliasId, rules: [], tiers: [[{ deploymentId }]], choice: 'weighted', createdAt },
    ],
  }
}

function priceOfUpstream(id: NewId, createdAt: string) {
  return {
    id: id('pri'),
    model: UPSTREAM_MODEL,
    currency: 'USD',
    provider: null,
    isFree: false,
    lines: [
      { kind: 'input', nanos: 150_000_000 },
      { kind: 'cached_input', nanos: 75_000_000 },
      { kind: 'output', nanos: 600_000_000 },
    ],
    effectiveTo: null,
    source: null,
    effectiveFrom: '2020-01-01T00:00:00Z',
    createdAt,
  }
}
