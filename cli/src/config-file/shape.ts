/**
 * The shape of `headgate.yaml`: what an installation is made of, by names. Fields are those of the domain; what is an id
 * there is a name here. A section that is left out is left alone; an empty one says that there is nothing.
 */

import { renameKey } from '@headgate/admin-contract/wire'
import { Agreement } from '@headgate/domain/agreement'
import { AlertChannel } from '@headgate/domain/alert-channel'
import { NewApp } from '@headgate/domain/app'
import { Budget } from '@headgate/domain/budget'
import { Choice } from '@headgate/domain/choice'
import { NewExchangeRate } from '@headgate/domain/exchange-rate'
import { Limit, Measure } from '@headgate/domain/limit'
import { ModelAccess, NewModelAlias } from '@headgate/domain/model-alias'
import { NewModelEntry } from '@headgate/domain/model-entry'
import { DisplayName, MachineName } from '@headgate/domain/name'
import { organisationSetting, organisationSettingNames } from '@headgate/domain/organisation-setting'
import { NewPolicy } from '@headgate/domain/policy'
import { NewPrice } from '@headgate/domain/price'
import { NewResource, Quota, Resource } from '@headgate/domain/resource'
import { RoleMapping } from '@headgate/domain/role-mapping'
import { RouteCondition } from '@headgate/domain/route-condition'
import { z } from 'zod'

const Owner = z
  .strictObject({ team: DisplayName, app: DisplayName.optional() })
  .meta({ description: 'A team, or an app of it.' })
export type Owner = z.infer<typeof Owner>

const OwningApp = z.strictObject({ team: DisplayName, app: DisplayName })

const Names = z.array(MachineName).max(1000).nullable().default(null)

export const TeamEntry = z.strictObject({ name: DisplayName, allowedModels: ModelAccess.default(null) })
export const AppEntry = z.strictObject({
  team: DisplayName,
  name: DisplayName,
  allowedModels: ModelAccess.default(null),
  rotationRule: NewApp.shape.rotationRule,
})
export const ModelEntry = z.strictObject({
  name: MachineName,
  overridesModel: NewModelAlias.shape.overridesModel,
})

export const ResourceEntry = z.strictObject({
  name: MachineName,
  apiStyle: Resource.shape.apiStyle,
  origin: Resource.shape.origin,
  apiVersion: NewResource.shape.apiVersion,
  secretRef: Resource.shape.secretRef,
})

export const QuotaEntry = z.strictObject({
  resource: MachineName,
  name: MachineName,
  requestsPerMinute: Quota.shape.requestsPerMinute.default(null),
  tokensPerMinute: Quota.shape.tokensPerMinute.default(null),
})

export const DeploymentEntry = z.strictObject({
  name: MachineName,
  resource: MachineName,
  quota: MachineName.nullable().default(null).meta({ description: 'A quota of its resource.' }),
  upstreamModel: MachineName,
  pricedAs: MachineName.nullable()
    .default(null)
    .meta({ description: 'The name prices are listed under; null: that of `upstream_model`.' }),
})

const Target = z.strictObject({ deployment: MachineName, weight: z.int().min(1).max(1000).default(1) })
const Tiers = z.array(z.array(Target).min(1).max(50)).min(1).max(4)
const condition = RouteCondition.shape
const Rule = z.strictObject({
  name: DisplayName,
  when: z.strictObject({
    teams: z.array(DisplayName).min(1).max(200).nullable().default(null),
    apps: z.array(OwningApp).min(1).max(200).nullable().default(null),
    endpoints: condition.endpoints,
    tags: condition.tags,
    times: condition.times,
  }),
  tiers: Tiers,
  choice: Choice.default('weighted'),
})

export const RouteEntry = z.strictObject({
  model: MachineName,
  rules: z.array(Rule).max(50).default([]),
  tiers: Tiers,
  choice: Choice.default('weighted'),
})

const policy = NewPolicy.shape
export const PolicyEntry = z.strictObject({
  name: DisplayName,
  owner: Owner.nullable().meta({ description: 'Null: the whole organisation.' }),
  mode: policy.mode,
  allowedModels: policy.allowedModels,
  deniedModels: policy.deniedModels,
  allowedEndpoints: policy.allowedEndpoints,
  deniedEndpoints: policy.deniedEndpoints,
  allowedResources: Names,
  deniedResources: Names,
  inputTokensMax: policy.inputTokensMax,
  outputTokensMax: policy.outputTokensMax,
  choicesMax: policy.choicesMax,
  requestBytesMax: policy.requestBytesMax,
})

const figures = {
  model: MachineName.nullable()
    .default(null)
    .meta({ description: 'Null: that of what it is a part of, else all.' }),
  amount: Limit.shape.amount.default(null),
  share: Limit.shape.share.default(null),
  guarantee: Limit.shape.guarantee.default(null),
  borrows: z.boolean().default(false),
  onOutage: Limit.shape.onOutage.default('local'),
  allowOversubscription: z
    .boolean()
    .default(false)
    .meta({ description: 'Says that the shares of what it is a part of may come to more than the whole.' }),
}

const Figures = z.strictObject({ owner: Owner, ...figures })

/** A limit that is a part of another one, and the parts of itself. */
export type LimitPart = z.infer<typeof Figures> & { parts: LimitPart[] }
const LimitPart: z.ZodType<LimitPart> = Figures.extend({
  parts: z.lazy(() => z.array(LimitPart)).default([]),
}).meta({ id: 'LimitPart' })

export const LimitEntry = z.strictObject({
  owner: Owner,
  quota: z
    .string()
    .regex(/^[^/]+\/[^/]+$/, 'expected a resource and its quota: azure-swe/main')
    .nullable()
    .default(null)
    .meta({ description: 'What it is a part of: `resource/quota`.' }),
  measure: Measure,
  ...figures,
  parts: z.array(LimitPart).default([]),
})
export type LimitEntry = z.infer<typeof LimitEntry>

/** Numbers that a computer would round are written in quotes. */
const Amount = z
  .union([
    z.string().regex(/^\d{1,7}(\.\d{1,9})?$/, 'expected money such as "500.00"'),
    z.number().refine((it) => /^\d{1,7}(\.\d{1,6})?$/.test(String(it)), 'write it in quotes: "500.00"'),
  ])
  .meta({ description: 'Money, at most nine decimals: "500.00".' })

export const BudgetEntry = z.strictObject({
  owner: Owner,
  name: DisplayName,
  currency: Budget.shape.currency,
  amount: Amount,
  period: Budget.shape.period,
  timeZone: Budget.shape.timeZone.default('UTC'),
  steps: Budget.shape.steps.max(10).default([]),
})

export const AgreementEntry = z.strictObject({
  resource: MachineName.nullable().default(null),
  deployment: MachineName.nullable().default(null),
  multiplierMillionths: Agreement.shape.multiplierMillionths.default(null),
  reservedNanosPerHour: Agreement.shape.reservedNanosPerHour.default(null),
  currency: Agreement.shape.currency.default(null),
  effectiveFrom: Agreement.shape.effectiveFrom,
  effectiveTo: Agreement.shape.effectiveTo.default(null),
  note: Agreement.shape.note.default(null),
})

const channel = AlertChannel.shape
export const AlertChannelEntry = z.strictObject({
  name: DisplayName,
  kind: channel.kind,
  url: channel.url.default(null),
  secretRef: channel.secretRef,
  mailFrom: channel.mailFrom.default(null),
  mailTo: channel.mailTo.default(null),
  eventTypes: channel.eventTypes.default(null),
  teams: z.array(DisplayName).min(1).max(200).nullable().default(null),
  budgets: z
    .array(z.strictObject({ owner: Owner, name: DisplayName }))
    .min(1)
    .max(200)
    .nullable()
    .default(null),
})

export const RoleMappingEntry = z.strictObject({
  claim: RoleMapping.shape.claim,
  value: RoleMapping.shape.value,
  role: RoleMapping.shape.role,
  teams: z.array(DisplayName).min(1).max(100).nullable().default(null),
})

const settingNames = organisationSettingNames.map(renameKey) as [string, ...string[]]
export const SettingEntry = z
  .strictObject({ name: z.enum(settingNames), value: z.union([z.int(), z.string()]).nullable() })
  .superRefine(({ name, value }, context) => {
    const [issue] = organisationSetting(renameKey(name))?.value.safeParse(value).error?.issues ?? []
    if (issue !== undefined) context.addIssue({ code: 'custom', path: ['value'], message: issue.message })
  })

const section = <T extends z.ZodType>(entry: T) => z.array(entry).max(10_000).optional()

/** The whole file. */
export const ConfigFile = z.strictObject({
  version: z.literal(1),
  models: section(ModelEntry),
  teams: section(TeamEntry),
  apps: section(AppEntry),
  resources: section(ResourceEntry),
  quotas: section(QuotaEntry),
  modelEntries: section(NewModelEntry),
  deployments: section(DeploymentEntry),
  routes: section(RouteEntry),
  policies: section(PolicyEntry),
  limits: section(LimitEntry),
  budgets: section(BudgetEntry),
  prices: section(NewPrice),
  agreements: section(AgreementEntry),
  exchangeRates: section(NewExchangeRate),
  alertChannels: section(AlertChannelEntry),
  roleMappings: section(RoleMappingEntry),
  settings: section(SettingEntry),
})
export type ConfigFile = z.infer<typeof ConfigFile>

export type Section = Exclude<keyof ConfigFile, 'version'>
