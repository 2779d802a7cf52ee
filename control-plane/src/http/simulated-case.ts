/** A simulation as the admin API tells it. */
import type { SimulatedCase } from '@headgate/admin-contract/simulations'
import { errorRow, type GatewayError } from '@headgate/domain/gateway-error'
import type { Refusal } from '@headgate/domain/policy'
import {
  blocksAt,
  type SimulatedBudget,
  type SimulatedLimit,
  type Simulation,
} from '@headgate/domain/simulation'
import type { Offer } from '@headgate/domain/spend-terms'

export function simulatedCase(name: string | null, it: Simulation): SimulatedCase {
  return {
    ...{ name, verdict: verdictOf(it.refusal) },
    routes: it.routes.map((route) => ({ ...route, rules: [...route.rules] })),
    estimate: it.estimate,
    policyRefusal: refusalOf(it.policyRefusal),
    shadowRefusal: refusalOf(it.shadowRefusal),
    downshiftedTo: it.downshiftedTo,
    budgets: it.budgets.map(budgetOf),
    limits: it.limits.map(limitOf),
    deployments: it.offers.map(deploymentOf),
  }
}

function verdictOf(refusal: GatewayError | null): SimulatedCase['verdict'] {
  if (refusal === null) return { admitted: true, status: 200, code: null, message: null, retryAfterMs: null }
  const { retryAfterMs, public: message } = refusal.detail
  return {
    ...{ admitted: false, status: refusal.status, code: refusal.code },
    message: message ?? errorRow(refusal.code).text,
    retryAfterMs: retryAfterMs === undefined ? null : Math.ceil(retryAfterMs),
  }
}

function refusalOf(refusal: Refusal | null): SimulatedCase['policyRefusal'] {
  return refusal && { code: refusal.code, level: refusal.by.level, policy: refusal.by.policy }
}

function budgetOf({ budget, spentNanos }: SimulatedBudget): SimulatedCase['budgets'][number] {
  const { rule, claim, period, raise } = budget
  return {
    ...{ id: rule.id, name: rule.name, scope: claim.scope, currency: rule.currency },
    ...{ amountNanos: rule.amountNanos, overrideNanos: raise.nanos },
    ...{ blocksAtNanos: blocksAt(budget), spentNanos },
    endsAt: new Date(period.toMs).toISOString(),
  }
}

function limitOf({ claim, asked, state }: SimulatedLimit): SimulatedCase['limits'][number] {
  const { scope, unit, limit, windowMs, quotaId } = claim
  const { remaining, resetMs } = state
  return { scope, unit, limit, windowMs, asked, remaining, resetMs, quotaId }
}

function deploymentOf({ deployment, cost }: Offer): SimulatedCase['deployments'][number] {
  const { id, name, resource, quotaId } = deployment
  return { id, name, resourceId: resource.id, quotaId, ...cost }
}
