/** The table: every resource of the admin API and its operations. Server, client and OpenAPI walk this. */
import { agreements } from './agreements.ts'
import { alertChannels } from './alert-channels.ts'
import { alertDeliveries } from './alert-deliveries.ts'
import { apiTokens } from './api-tokens.ts'
import { apps } from './apps.ts'
import { archivedThings } from './archived-things.ts'
import { auditAnchors, auditEvents } from './audit-events.ts'
import { batch } from './batch.ts'
import { budgetOverrides, budgets } from './budgets.ts'
import { catalog } from './catalog.ts'
import { deployments } from './deployments.ts'
import { drafts, publications } from './drafts.ts'
import { exchangeRates } from './exchange-rates.ts'
import { exportSchedules } from './export-schedules.ts'
import { exports } from './exports.ts'
import { keyRotations } from './key-rotations.ts'
import { keys } from './keys.ts'
import { limits } from './limits.ts'
import { me } from './me.ts'
import { modelAliases } from './model-aliases.ts'
import { modelEntries } from './model-entries.ts'
import type { Operations } from './operation.ts'
import { policies } from './policies.ts'
import { prices } from './prices.ts'
import { quotas } from './quotas.ts'
import { requests } from './requests.ts'
import { reratings } from './reratings.ts'
import { resources } from './resources.ts'
import { roleMappings } from './role-mappings.ts'
import { routes } from './routes.ts'
import { secretFindings, secrets } from './secrets.ts'
import { sessions } from './sessions.ts'
import { settings } from './settings.ts'
import { simulations } from './simulations.ts'
import { sinkRefusals, sinks } from './sinks.ts'
import { teams } from './teams.ts'
import { usage } from './usage.ts'
import { users } from './users.ts'

export const contract = {
  teams,
  apps,
  users,
  keys,
  keyRotations,
  resources,
  secrets,
  secretFindings,
  quotas,
  limits,
  budgets,
  budgetOverrides,
  alertChannels,
  alertDeliveries,
  deployments,
  modelEntries,
  modelAliases,
  routes,
  prices,
  agreements,
  exchangeRates,
  reratings,
  policies,
  usage,
  requests,
  exports,
  exportSchedules,
  sinks,
  sinkRefusals,
  drafts,
  publications,
  simulations,
  batch,
  auditEvents,
  auditAnchors,
  archivedThings,
  me,
  apiTokens,
  roleMappings,
  sessions,
  settings,
  catalog,
} as const satisfies Record<string, Operations>
export type Contract = typeof contract

/** What every path of the table stands below. */
export const API_ROOT = '/api/v1'
