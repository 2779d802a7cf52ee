/** Every operation of the contract with the handler that does it. One missing here does not compile. */
import type { Contract } from '@headgate/admin-contract/index'
import type { Handlers } from '@headgate/admin-contract/operation'
import { agreementsHandlers } from './agreements/handlers.ts'
import { alertChannelsHandlers } from './alert-channels/handlers.ts'
import { alertDeliveriesHandlers } from './alert-deliveries/handlers.ts'
import { apiTokensHandlers } from './api-tokens/handlers.ts'
import { appsHandlers } from './apps/handlers.ts'
import { archivedThingsHandlers } from './archived-things/handlers.ts'
import { auditAnchorsHandlers } from './audit-events/anchors.ts'
import { auditEventsHandlers } from './audit-events/handlers.ts'
import { budgetsHandlers } from './budgets/handlers.ts'
import { budgetOverridesHandlers } from './budgets/overrides.ts'
import { catalogHandlers } from './catalog/handlers.ts'
import type { HandlerContext } from './context.ts'
import { deploymentsHandlers } from './deployments/handlers.ts'
import { draftsHandlers } from './drafts/handlers.ts'
import { exchangeRatesHandlers } from './exchange-rates/handlers.ts'
import { exportSchedulesHandlers } from './export-schedules/handlers.ts'
import { exportsHandlers } from './exports/handlers.ts'
import { keyRotationsHandlers } from './key-rotations/handlers.ts'
import { keysHandlers } from './keys/handlers.ts'
import { limitsHandlers } from './limits/handlers.ts'
import { modelAliasesHandlers } from './model-aliases/handlers.ts'
import { modelEntriesHandlers } from './model-entries/handlers.ts'
import { policiesHandlers } from './policies/handlers.ts'
import { pricesHandlers } from './prices/handlers.ts'
import { quotasHandlers } from './quotas/handlers.ts'
import { reratingsHandlers } from './reratings/handlers.ts'
import { resourcesHandlers } from './resources/handlers.ts'
import { roleMappingsHandlers } from './role-mappings/handlers.ts'
import { routesHandlers } from './routes/handlers.ts'
import { secretFindingsHandlers } from './secret-findings/handlers.ts'
import { secretsHandlers } from './secrets/handlers.ts'
import { meHandlers, sessionsHandlers } from './sessions/handlers.ts'
import { settingsHandlers } from './settings/handlers.ts'
import { sinkRefusalsHandlers, sinksHandlers } from './sinks/handlers.ts'
import { teamsHandlers } from './teams/handlers.ts'
import { requestsHandlers } from './usage/decisions.ts'
import { usageHandlers } from './usage/handlers.ts'
import { usersHandlers } from './users/handlers.ts'

/** Those that are lists of others: done by the floor that knows the whole table. */
type Lists = 'batch' | 'publications' | 'simulations'

export type AllHandlers = {
  readonly [Word in Exclude<keyof Contract, Lists>]: Handlers<Contract[Word], HandlerContext>
}

export const handlers: AllHandlers = {
  teams: teamsHandlers,
  apps: appsHandlers,
  users: usersHandlers,
  keys: keysHandlers,
  keyRotations: keyRotationsHandlers,
  resources: resourcesHandlers,
  secrets: secretsHandlers,
  secretFindings: secretFindingsHandlers,
  quotas: quotasHandlers,
  limits: limitsHandlers,
  budgets: budgetsHandlers,
  budgetOverrides: budgetOverridesHandlers,
  alertChannels: alertChannelsHandlers,
  alertDeliveries: alertDeliveriesHandlers,
  deployments: deploymentsHandlers,
  modelEntries: modelEntriesHandlers,
  modelAliases: modelAliasesHandlers,
  routes: routesHandlers,
  prices: pricesHandlers,
  agreements: agreementsHandlers,
  exchangeRates: exchangeRatesHandlers,
  reratings: reratingsHandlers,
  policies: policiesHandlers,
  usage: usageHandlers,
  requests: requestsHandlers,
  exports: exportsHandlers,
  exportSchedules: exportSchedulesHandlers,
  sinks: sinksHandlers,
  sinkRefusals: sinkRefusalsHandlers,
  drafts: draftsHandlers,
  auditEvents: auditEventsHandlers,
  auditAnchors: auditAnchorsHandlers,
  archivedThings: archivedThingsHandlers,
  me: meHandlers,
  apiTokens: apiTokensHandlers,
  roleMappings: roleMappingsHandlers,
  sessions: sessionsHandlers,
  settings: settingsHandlers,
  catalog: catalogHandlers,
}
