/**
 * The tables as types, for Kysely: one entry a table, in our camelCase (a plugin writes snake_case). Most are
 * the domain's own shapes; what differs says so. `migrations/` is the truth, this follows it.
 */

import type { Draft } from '@headgate/admin-contract/drafts'
import type { Drift } from '@headgate/admin-contract/usage'
import type { Agreement } from '@headgate/domain/agreement'
import type { AlertChannel } from '@headgate/domain/alert-channel'
import type { AlertDelivery } from '@headgate/domain/alert-delivery'
import type { ApiToken } from '@headgate/domain/api-token'
import type { App } from '@headgate/domain/app'
import type { ArchivedThing } from '@headgate/domain/archived-thing'
import type { AuditEvent } from '@headgate/domain/audit-event'
import type { Budget } from '@headgate/domain/budget'
import type { BudgetOverride } from '@headgate/domain/budget-override'
import type { CatalogDocument } from '@headgate/domain/catalog'
import type { Deployment } from '@headgate/domain/deployment'
import type { ExchangeRate } from '@headgate/domain/exchange-rate'
import type { ExportSchedule } from '@headgate/domain/export-schedule'
import type { KeySecret } from '@headgate/domain/key-secret'
import type { Limit } from '@headgate/domain/limit'
import type { ModelAlias } from '@headgate/domain/model-alias'
import type { ModelEntry } from '@headgate/domain/model-entry'
import type { OutboxEvent } from '@headgate/domain/outbox-event'
import type { Policy } from '@headgate/domain/policy'
import type { Price } from '@headgate/domain/price'
import type { ProxyKey } from '@headgate/domain/proxy-key'
import type { CostCorrection, Rerating } from '@headgate/domain/rerating'
import type { Quota, Resource } from '@headgate/domain/resource'
import type { Claims, RoleMapping } from '@headgate/domain/role-mapping'
import type { RotationRule } from '@headgate/domain/rotation-rule'
import type { Route } from '@headgate/domain/route'
import type { Session } from '@headgate/domain/session'
import type { Sink } from '@headgate/domain/sink'
import type { StoredSecret } from '@headgate/domain/stored-secret'
import type { Team } from '@headgate/domain/team'
import type { FileSidecar, UsageExport } from '@headgate/domain/usage-export'
import type { UsageRecord } from '@headgate/domain/usage-record'
import type { User } from '@headgate/domain/user'
import type { ColumnType, Generated } from 'kysely'
import type {
  BinColumn,
  CountColumn,
  Cube,
  DimensionColumnName,
  RollupTableName,
  SumColumn,
} from './rollup-tables.ts'

/** Read as a value, written as JSON text: the driver would make a Postgres array of a plain one. */
type Json<T> = ColumnType<T, string, string>
/** The same, where there may be none. */
type JsonOrNull<T> = ColumnType<T | null, string | null, string | null>

/** What follows from the rotation rule; see rotation-dates.ts. */
type RotationDates = 'rotationDueAt' | 'rotationOverdueAt' | 'secretExpiresAt'

export type ProxyKeyRow = Omit<ProxyKey, 'rotationRule' | RotationDates> & {
  isPublished: Generated<boolean>
  rotationRule: JsonOrNull<RotationRule>
  rotationTold: Generated<'due' | 'overdue' | null>
} & { [Name in RotationDates]: Generated<string | null> }

export type KeySecretRow = KeySecret & {
  digest: string
  keyId: string
  pepperVersion: number
  graceMinutes: number
}

export type UsageRow = Omit<UsageRecord, 'tokens'> & {
  inputTokens: number
  cachedInputTokens: number
  outputTokens: number
  reasoningTokens: number
}

/** One combination of dimensions that was seen; see rollup-tables.ts. */
export type SeriesRow = {
  id: ColumnType<number, never, never>
  signature: string
  cube: Cube
  currency: string
  status: number | null
} & Record<Exclude<DimensionColumnName, 'status'>, string | null>

type SumRow = { at: string; seriesId: number } & Record<CountColumn, number> & Record<SumColumn, string>
type BinRow = { at: string; seriesId: number } & Record<BinColumn, string>

/** What is left out at first has its beginning from the database. */
type ExportRow = Pick<UsageExport, 'id' | 'kind' | 'format' | 'question' | 'createdAt'> & {
  teamIds: Generated<string[] | null>
  state: Generated<UsageExport['state']>
  rows: Generated<number>
  bytes: Generated<number>
  /** As JSON; null until the file is made. */
  sidecar: Generated<FileSidecar | null>
  /** Of a schedule, and for which of its times; null for others. */
  scheduleId: Generated<string | null>
  dueAt: Generated<string | null>
} & { [Name in 'startedAt' | 'endedAt' | 'sha256' | 'fault' | 'expiresAt']: Generated<string | null> }

export type CatalogVersionRow = {
  version: number
  compiledAt: string
  author: string
  message: string
  document: Json<CatalogDocument>
  checksum: string
}

export type IdempotentReplyRow = {
  actor: string
  operation: string
  key: string
  requestDigest: string
  status: number
  sealedReply: string
  createdAt: string
}

export type DeadLetterRow = {
  id: Generated<number>
  failedAt: Generated<string>
  requestId: string
  attempt: string
  reason: string
  record: string
}

export type ReratingRow = Omit<Rerating, 'from' | 'to' | 'differences'> & {
  fromAt: string
  toAt: string
  differences: Json<Rerating['differences']>
}

export type CostCorrectionRow = CostCorrection & { reratingId: string }

export type SecretRow = Omit<StoredSecret, 'ref'> & { sealed: string }

export type AuditSegmentRow = {
  number: number
  firstNumber: number
  lastNumber: number
  firstHash: string
  lastHash: string
  fromAt: string
  toAt: string
  sealedAt: string
  signature: string
  removedAt: string | null
  removalSignature: string | null
}

/** `ownerKeyId` is the owner where that is a key, made by the database. */
export type LimitRow = Limit & { ownerKeyId: ColumnType<string | null, never, never> }

export type BudgetRow = Omit<Budget, 'period' | 'steps'> & {
  period: Json<Budget['period']>
  steps: Json<Budget['steps']>
  /** The owner where that is a key, made by the database. */
  ownerKeyId: ColumnType<string | null, never, never>
}

type BudgetPeriodRow = { budgetId: string; periodFrom: string; periodTo: string; spentNanos: number }

export type SessionRow = Session & {
  digest: string
  claims: ColumnType<Claims | null, string | null, string>
  /** Of the directory that told of the person; null for the first admin of evaluation. */
  issuer: string | null
  sealedRefreshToken: string | null
  checkedAt: string
  checkingUntil: Generated<string | null>
  endedAt: Generated<string | null>
}

export type SignInRow = {
  digest: string
  state: string
  nonce: string
  codeVerifier: string
  /** Which of several directories. */
  issuer: string
  returnTo: string
  expiresAt: string
}

type BudgetEventRow = BudgetPeriodRow & {
  id: string
  atPercent: number
  amountNanos: number
  at: string
  kind: 'reached' | 'forecast'
  forecastNanos: number | null
}

type OutboxEventRow = {
  /** The transaction it was written in, and its number there; see outbox.ts. */
  xact: ColumnType<string, never, never>
  number: ColumnType<number, never, never>
  id: string
  type: OutboxEvent['type']
  at: string
  data: Json<unknown>
}

/** Some calls by their identities; see usage-batches.ts. */
type BatchRow = {
  number: ColumnType<number, never, never>
  position: ColumnType<number | null, never, never>
  storedAt: ColumnType<string, never, never>
  reratingId: string | null
  entries: number
  startedAts: string[]
  requestIds: string[]
  attempts: number[]
}

/** What is left out at first has its beginning from the database. */
export type SinkRow = Pick<Sink, 'id' | 'name' | 'kind' | 'target' | 'createdAt'> & {
  fromAt: string | null
  lagSecondsMax: number
  position: number
  positionAt: string
} & Record<'recordsSent' | 'correctionsSent' | 'putAside' | 'missed' | 'backfilled', number> &
  Record<'ranAt' | 'succeededAt' | 'failedAt' | 'fault', string | null> &
  Record<'backfillUntil' | 'backfillStartedAt' | 'backfillRequestId' | 'backfillEndedAt', string | null> & {
    backfillAttempt: number | null
    isLagTold: boolean
  }
type NewSink = Pick<
  SinkRow,
  'id' | 'name' | 'kind' | 'target' | 'createdAt' | 'fromAt' | 'lagSecondsMax' | 'position' | 'positionAt'
>

/** The type of its event stands with the event. */
type AlertDeliveryRow = Omit<AlertDelivery, 'state' | 'attempts' | 'lastAnswer' | 'endedAt' | 'eventType'> & {
  state: Generated<AlertDelivery['state']>
  attempts: Generated<number>
  lastAnswer: Generated<string | null>
  endedAt: Generated<string | null>
}

export type OrganisationSettingRow = {
  name: string
  value: Json<unknown>
  changedBy: string
  changedAt: string
}

export type Tables = {
  organisationSettings: OrganisationSettingRow
  apiTokens: ApiToken & { digest: string }
  roleMappings: RoleMapping
  sessions: SessionRow
  signIns: SignInRow
  budgets: BudgetRow
  budgetOverrides: BudgetOverride
  budgetSpend: BudgetPeriodRow & { unpricedCalls: number }
  budgetEvents: BudgetEventRow
  outboxEvents: OutboxEventRow
  outboxCursors: { reader: string; xact: string; number: number }
  alertChannels: AlertChannel
  alertDeliveries: AlertDeliveryRow
  teams: Team
  apps: Omit<App, 'rotationRule'> & { rotationRule: JsonOrNull<RotationRule> }
  users: User
  proxyKeys: ProxyKeyRow
  keySecrets: KeySecretRow
  resources: Resource
  quotas: Quota
  limits: LimitRow
  deployments: Deployment
  modelAliases: ModelAlias
  modelEntries: ModelEntry
  routes: Omit<Route, 'rules' | 'tiers'> & { rules: Json<Route['rules']>; tiers: Json<Route['tiers']> }
  prices: Omit<Price, 'lines'> & { lines: Json<Price['lines']> }
  agreements: Agreement
  exchangeRates: Omit<ExchangeRate, 'id'>
  reratings: ReratingRow
  costCorrections: CostCorrectionRow
  policies: Policy
  catalogVersions: CatalogVersionRow
  /** With the transaction that stored it; null for those from before that was kept. */
  usageRecords: UsageRow & { storedXact: ColumnType<string | null, never, never> }
  /** A view: reads only. */
  thingChanges: { thingId: string; at: string; action: string }
  usageDeadLetters: DeadLetterRow
  usageSeries: SeriesRow
  usageTags: { teamId: string; day: string; clientTag: string }
  usagePartitioning: { tableName: string; keptSince: string }
  usageRebuilds: { day: string }
  usageExports: ExportRow
  exportSchedules: Omit<ExportSchedule, 'lastAt' | 'lastExportId'> & {
    lastAt: Generated<string | null>
    lastExportId: Generated<string | null>
  }
  usageExportParts: { exportId: string; number: number; content: Uint8Array }
  usageBatches: BatchRow
  usageSinks: NewSink & { [Name in Exclude<keyof SinkRow, keyof NewSink>]: Generated<SinkRow[Name]> }
  usageSinkRefusals: {
    sinkId: string
    entryId: string
    reason: string
    refusedAt: Generated<string>
    startedAt: string | null
    tries: Generated<number>
    retryAskedAt: Generated<string | null>
  }
  usageChecks: { day: string; checkedAt: string; calls: number; drifts: Json<Drift[]> }
  drafts: Omit<Draft, 'items'> & { items: Json<Draft['items']> }
  archivedThings: Omit<ArchivedThing, 'thing'> & { thing: Json<unknown> }
  idempotentReplies: IdempotentReplyRow
  secrets: SecretRow
  auditHead: { number: number; hash: string; signature: string }
  auditSegments: AuditSegmentRow
  auditEvents: Omit<AuditEvent, 'before' | 'after'> & {
    before: Json<unknown>
    after: Json<unknown>
  }
} & { [Name in RollupTableName]: Name extends `${string}Bins` ? BinRow : SumRow }
