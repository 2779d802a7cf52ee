/**
 * The catalog that tests of the gateway serve from: one fake upstream spoken to in all three styles, an alias
 * for every demo model and sentinel, and routes that fail over.
 */
import type { BudgetRule } from '@headgate/domain/budget'
import { CatalogDocument } from '@headgate/domain/catalog'
import { idSource } from '@headgate/domain/id'
import type { LimitRule } from '@headgate/domain/limit'
import { DEMO_MODELS } from '@headgate/fake-upstream/demo-models'
import { SENTINELS } from '@headgate/fake-upstream/sentinels'

/** Names of aliases begin with these where the upstream is not plain OpenAI. */
export const STYLE_PREFIXES = { openai: '', 'azure-v1': 'v1.', 'azure-dated': 'dated.' } as const
export const styles = Object.keys(STYLE_PREFIXES) as (keyof typeof STYLE_PREFIXES)[]

/** The variable the gateway under test reads its provider credential from. */
export const SECRET_NAME = 'FAKE_UPSTREAM_KEY'
const CREATED_AT = '2026-01-01T00:00:00.000Z'
const API_VERSION = '2024-10-21'

export type DemoCatalog = {
  readonly document: CatalogDocument
  readonly teamId: string
  readonly appId: string
  /** An app that may use `gpt-4o` only. */
  readonly narrowAppId: string
  /** Granted by the resource of plain OpenAI, when `quotaTokens` says so; three models draw on it. */
  readonly quotaId: string
  /** Granted by the resource of Azure's v1 style; the same three draw on it there. */
  readonly secondQuotaId: string
  /** Granted by the resource of Azure's dated style, when three are given. */
  readonly thirdQuotaId: string
}

export type DemoCatalogOptions = {
  readonly upstreamOrigin: string
  readonly version?: number
  /** More models, each offered in every style; sentinels with a number or a duration, for instance. */
  readonly models?: readonly string[]
  /** Models priced beside the two that always are. */
  readonly priced?: readonly string[]
  /** More routes: alias to tiers of models, all at the OpenAI-style resource. */
  readonly routes?: Readonly<Record<string, readonly (readonly string[])[]>>
  /** Tokens a minute of the quotas, two or three; without it there are none. */
  readonly quotaTokens?: readonly number[]
  readonly limits?: (ids: Omit<DemoCatalog, 'document'>) => readonly LimitRule[]
  readonly budgets?: (ids: Omit<DemoCatalog, 'document'>) => readonly BudgetRule[]
}

/** Routes every test finds: the first tier fails, the second answers, and what has no way out. */
const ROUTES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'failover-500': [['fail-500'], ['gpt-4o']],
  'failover-reset': [['early-reset'], ['gpt-4o']],
  'failover-429': [['fail-429'], ['gpt-4o']],
  'failover-400': [['fail-400'], ['gpt-4o']],
  'failover-none': [['fail-500'], ['fail-503']],
  'failover-many': [['fail-500', 'fail-503', 'fail-429', 'early-reset', 'gpt-4o-mini', 'fail-quota']],
}

/** Makes the document and the ids that keys need. */
export function demoCatalog(options: DemoCatalogOptions): DemoCatalog {
  const newId = idSource()
  const id = (prefix: Parameters<typeof newId>[0]) => newId(prefix, Date.parse(CREATED_AT))
  const made = { createdAt: CREATED_AT }
  const [teamId, appId, narrowAppId] = [id('team'), id('app'), id('app')]
  const resourceIds = { openai: id('res'), 'azure-v1': id('res'), 'azure-dated': id('res') }
  const [quotaId, secondQuotaId, thirdQuotaId] = [id('quo'), id('quo'), id('quo')]
  const ids = { teamId, appId, narrowAppId, quotaId, secondQuotaId, thirdQuotaId }
  const deploymentIds = new Map<string, string>()
  const document = {
    format: 1,
    version: options.version ?? 1,
    compiledAt: CREATED_AT,
    teams: [{ id: teamId, name: 'Tests', allowedModels: null }],
    apps: [
      { id: appId, teamId, name: 'Wide', allowedModels: null },
      { id: narrowAppId, teamId, name: 'Narrow', allowedModels: ['gpt-4o'] },
    ],
    resources: styles.map((apiStyle) => ({
      id: resourceIds[apiStyle],
      name: `fake-${apiStyle}`,
      apiStyle,
      origin: options.upstreamOrigin,
      apiVersion: apiStyle === 'azure-dated' ? API_VERSION : null,
      secretRef: `env://${SECRET_NAME}`,
      ...made,
    })),
    quotas: quotasOf(options.quotaTokens, ids, resourceIds),
    limits: options.limits?.(ids) ?? [],
    budgets: options.budgets?.(ids) ?? [],
    sealedSecrets: [],
    modelEntries: [],
    deployments: [] as unknown[],
    aliases: [] as unknown[],
    routes: [] as unknown[],
    policies: [],
    agreements: [],
    prices: ['gpt-4o', 'gpt-4o-mini', ...(options.priced ?? [])].map((it) => priceOf(it, id('pri'))),
  }
  for (const model of modelNames(options.models)) {
    for (const style of styles) {
      const name = STYLE_PREFIXES[style] + model
      const deploymentId = id('dep')
      deploymentIds.set(name, deploymentId)
      const drawnOn = quotaOf(name, ids, options.quotaTokens?.length ?? 0)
      const deployment = { id: deploymentId, name, resourceId: resourceIds[style], quotaId: drawnOn, ...made }
      document.deployments.push({ ...deployment, upstreamModel: model, pricedAs: model })
    }
  }
  const direct = [...deploymentIds.keys()].map((name) => [name, [[name]]] as const)
  const chosen = Object.entries({ ...ROUTES, ...options.routes })
  for (const [name, tiers] of [...direct, ...chosen]) {
    const aliasId = id('ali')
    document.aliases.push({ id: aliasId, name, ...made })
    const targets = tiers.map((tier) =>
      tier.map((it) => ({ deploymentId: deploymentIds.get(it), weight: 1 })),
    )
    document.routes.push({ id: id('rte'), aliasId, rules: [], tiers: targets, choice: 'weighted', ...made })
  }
  // Sentinels joined by `+` are no names a catalog may hold, so only memory feeds carry them.
  const joined = options.models?.some((model) => model.includes('+'))
  const checked = joined ? (document as unknown as CatalogDocument) : CatalogDocument.parse(document)
  return { document: checked, ...ids }
}

type QuotaIds = Pick<DemoCatalog, 'quotaId' | 'secondQuotaId' | 'thirdQuotaId'>

function quotasOf(
  tokens: DemoCatalogOptions['quotaTokens'],
  ids: QuotaIds,
  resourceIds: Readonly<Record<keyof typeof STYLE_PREFIXES, string>>,
) {
  const quota = { requestsPerMinute: null, createdAt: CREATED_AT }
  const granted = [
    { id: ids.quotaId, resourceId: resourceIds.openai, name: 'first' },
    { id: ids.secondQuotaId, resourceId: resourceIds['azure-v1'], name: 'second' },
    { id: ids.thirdQuotaId, resourceId: resourceIds['azure-dated'], name: 'third' },
  ]
  return (tokens ?? []).map((tokensPerMinute, i) => ({ ...granted[i], tokensPerMinute, ...quota }))
}

function quotaOf(name: string, ids: QuotaIds, count: number): string | null {
  const style = styles.findLast((it) => name.startsWith(STYLE_PREFIXES[it])) ?? 'openai'
  if (!['gpt-4o', 'fail-503', 'usage-500-50'].includes(name.slice(STYLE_PREFIXES[style].length))) return null
  return [ids.quotaId, ids.secondQuotaId, ids.thirdQuotaId].slice(0, count)[styles.indexOf(style)] ?? null
}

function modelNames(more: readonly string[] = []): string[] {
  const known = [...DEMO_MODELS.map((it) => it.id), ...SENTINELS.map((it) => it.name)]
  return [...new Set([...known, 'omni-moderation-latest', 'gpt-3.5-turbo-instruct', ...more])]
}

function priceOf(model: string, id: string) {
  return {
    id,
    model,
    currency: 'USD',
    provider: null,
    isFree: false,
    lines: [
      { kind: 'input', nanos: 2_500_000_000 },
      { kind: 'cached_input', nanos: 1_250_000_000 },
      { kind: 'output', nanos: 10_000_000_000 },
    ],
    effectiveTo: null,
    source: null,
    effectiveFrom: '2020-01-01T00:00:00Z',
    createdAt: CREATED_AT,
  }
}
