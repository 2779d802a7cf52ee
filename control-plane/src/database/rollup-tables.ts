/**
 * The rollup tables as data. Cubes tell different dimensions apart: `full` all of them; the others a few each, which
 * makes long spans quick to read: `owner` who called, `service` what served each team, `fleet` what served all of
 * them together, `mix` which app uses which model. A series is one combination in a cube.
 */
import type { RollupLevel, UsageDimension } from '@headgate/domain/rollup'
import type { UsageRecord } from '@headgate/domain/usage-record'

export const cubes = ['full', 'owner', 'mix', 'service', 'fleet'] as const
export type Cube = (typeof cubes)[number]

export type DimensionColumnName =
  | 'teamId'
  | 'appId'
  | 'userId'
  | 'keyId'
  | 'endpoint'
  | 'alias'
  | 'model'
  | 'deploymentId'
  | 'resourceId'
  | 'status'
  | 'outcome'
  | 'errorCode'
  | 'clientTag'

type DimensionColumn = {
  readonly name: DimensionColumnName
  readonly type: 'text' | 'int4'
  readonly of: (it: UsageRecord) => string | number | null
  readonly cubes: readonly Cube[]
}

const owner: readonly Cube[] = ['full', 'owner']
const app: readonly Cube[] = ['full', 'owner', 'mix']
const model: readonly Cube[] = ['full', 'mix', 'service', 'fleet']
const service: readonly Cube[] = ['full', 'service', 'fleet']

/** Each dimension as a column of `usage_series`. */
export const dimensionColumns: Readonly<Record<UsageDimension, DimensionColumn>> = {
  team: { name: 'teamId', type: 'text', of: (it) => it.teamId, cubes: ['full', 'owner', 'mix', 'service'] },
  app: { name: 'appId', type: 'text', of: (it) => it.appId, cubes: app },
  user: { name: 'userId', type: 'text', of: (it) => it.userId, cubes: owner },
  key: { name: 'keyId', type: 'text', of: (it) => it.keyId, cubes: owner },
  endpoint: { name: 'endpoint', type: 'text', of: (it) => it.endpoint, cubes: model },
  alias: { name: 'alias', type: 'text', of: (it) => it.alias, cubes: model },
  model: { name: 'model', type: 'text', of: (it) => it.upstreamModel, cubes: model },
  deployment: { name: 'deploymentId', type: 'text', of: (it) => it.deploymentId, cubes: service },
  resource: { name: 'resourceId', type: 'text', of: (it) => it.resourceId, cubes: service },
  status: { name: 'status', type: 'int4', of: (it) => it.status, cubes: service },
  outcome: { name: 'outcome', type: 'text', of: (it) => it.outcome, cubes: service },
  error_code: { name: 'errorCode', type: 'text', of: (it) => it.errorCode, cubes: service },
  // Last, and left out of a series' signature where there is none: series from before there were tags go on.
  client_tag: { name: 'clientTag', type: 'text', of: (it) => it.clientTag, cubes: owner },
}

/** Calls without money add nothing to a sum, so they may be counted with any currency; this one is common. */
export const MONEYLESS_CURRENCY = 'USD'

type BinnedTableName = 'usageMinutes' | `usage${'' | 'Owner' | 'Service' | 'Fleet'}${'Hours' | 'Days'}`
type SumTableName = BinnedTableName | 'usageMixHours' | 'usageMixDays'
export type RollupTableName = SumTableName | `${BinnedTableName}Bins`

/** Sums and bins lie apart: bins are wide, and most questions do not ask for them. */
export type RollupTable = {
  readonly name: RollupTableName
  readonly level: RollupLevel
  readonly cube: Cube
  readonly holds: 'sums' | 'bins'
}

/** The narrower cubes of a level first, which are the ones to read. */
const cubesOfLevels: readonly (readonly [SumTableName, RollupLevel, Cube])[] = [
  ['usageFleetDays', 'day', 'fleet'],
  ['usageOwnerDays', 'day', 'owner'],
  ['usageMixDays', 'day', 'mix'],
  ['usageServiceDays', 'day', 'service'],
  ['usageDays', 'day', 'full'],
  ['usageFleetHours', 'hour', 'fleet'],
  ['usageOwnerHours', 'hour', 'owner'],
  ['usageMixHours', 'hour', 'mix'],
  ['usageServiceHours', 'hour', 'service'],
  ['usageHours', 'hour', 'full'],
  ['usageMinutes', 'minute', 'full'],
]

function hasBins(name: SumTableName): name is BinnedTableName {
  return name !== 'usageMixHours' && name !== 'usageMixDays'
}

/** Written in this order by everybody, so that two who write the same rows wait for each other only. */
export const rollupTables: readonly RollupTable[] = cubesOfLevels.flatMap(([name, level, cube]) => {
  const sums: RollupTable = { name, level, cube, holds: 'sums' }
  return hasBins(name) ? [sums, { name: `${name}Bins` as const, level, cube, holds: 'bins' }] : [sums]
})

const when = (isSo: boolean) => (isSo ? 1 : 0)

/** What is counted, one by one call: the value is 0 or 1. */
export const countColumns = {
  calls: () => 1,
  priced: (it) => when(it.costState === 'priced' || it.costState === 'free'),
  unpriced: (it) => when(it.costState === 'unknown'),
  estimated: (it) => when(it.usageSource === 'estimated' || it.usageSource === 'counted'),
  refused: (it) => when(it.outcome === 'refused'),
  failed: (it) => when(it.outcome === 'failed'),
  aborted: (it) => when(it.outcome === 'aborted'),
  truncated: (it) => when(it.outcome === 'truncated'),
} as const satisfies Record<string, (it: UsageRecord) => number>

/** What is summed; a sum may pass what a number can hold, so they are text or BigInt outside Postgres. */
export const sumColumns = {
  inputTokens: (it) => it.tokens.input,
  cachedInputTokens: (it) => it.tokens.cachedInput,
  outputTokens: (it) => it.tokens.output,
  reasoningTokens: (it) => it.tokens.reasoning,
  costNanos: (it) => it.costNanos ?? 0,
  requestBytes: (it) => it.requestBytes,
  replyBytes: (it) => it.replyBytes,
} as const satisfies Record<string, (it: UsageRecord) => number>

/** What is counted in bins, in microseconds or milliseconds as the name of the field says; null is not counted. */
export const binColumns = {
  overheadBins: (it) => it.overheadMicros,
  firstByteBins: (it) => it.firstByteMs,
  totalBins: (it) => it.totalMs,
} as const satisfies Record<string, (it: UsageRecord) => number | null>

export type CountColumn = keyof typeof countColumns
export type SumColumn = keyof typeof sumColumns
export type BinColumn = keyof typeof binColumns

/** As what a figure is summed: sums of tokens and of money may pass what eight bytes hold, counts of calls cannot. */
export function summedTypeOf(column: string): 'int8' | 'numeric' {
  return column in countColumns ? 'int8' : 'numeric'
}
