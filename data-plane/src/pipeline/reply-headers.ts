/**
 * The headers of a reply: ours, and the few of the provider's that may pass. An allow-list, so that a cookie,
 * a server name or a region never gets through because nobody thought of it.
 */

import { type Cost, nanosText } from '@headgate/domain/cost'
import type { Claim, PoolState } from '@headgate/domain/reservation'
import type { InboundRequest } from '../message/inbound-request.ts'
import type { Answered, BudgetTerms } from './call.ts'

const PASSED = ['content-type', 'content-encoding', 'openai-processing-ms', 'openai-version'] as const
/** What a header can say; names of rules may hold more than that. */
const HEADER_VALUE = /^[\x20-\x7e]+$/

/** On every reply: which request, which catalog. */
export function headgateHeaders(call: { request: InboundRequest; catalog: { version: number } }): string[] {
  return ['x-request-id', call.request.id, 'x-headgate-config-version', String(call.catalog.version)]
}

/** On every reply that came from an upstream. */
export function answeredHeaders(call: Answered, nowMs: number): string[] {
  const headers = headgateHeaders(call)
  const { head, attempt } = call.upstream
  for (const name of PASSED) {
    const value = head.headers[name]
    if (typeof value === 'string') headers.push(name, value)
  }
  headers.push('x-headgate-model', call.alias.name)
  headers.push('x-headgate-deployment', call.deployment.name)
  if (call.rule !== null && HEADER_VALUE.test(call.rule)) headers.push('x-headgate-route', call.rule)
  headers.push('x-headgate-attempts', String(attempt))
  headers.push('x-headgate-overhead-ms', call.request.overheadMs(call.upstream, nowMs, nowMs).toFixed(2))
  const { rotation } = call.caller.key
  if (rotation?.isOld) headers.push('x-headgate-key-state', oldSecretText(rotation.untilMs))
  if (call.reservation.budget !== null) headers.push(...budgetHeaders(call.reservation.budget))
  addRateHeaders(headers, call.reservation.claims, call.reservation.states)
  return headers
}

/** For clients to log: they are still on a secret that ends. */
function oldSecretText(untilMs: number): string {
  return `old-secret; until=${new Date(untilMs).toISOString()}`
}

function budgetHeaders({ state, downshiftedFrom }: BudgetTerms): string[] {
  const headers = ['x-headgate-budget-state', state]
  if (downshiftedFrom !== null) headers.push('x-headgate-downshifted-from', downshiftedFrom)
  return headers
}

/** What the call cost, where it is known before the head leaves. */
export function addCostHeaders(headers: string[], cost: Cost): void {
  if (cost.costNanos === null || cost.currency === null) return
  headers.push('x-headgate-cost', nanosText(cost.costNanos), 'x-headgate-cost-currency', cost.currency)
}

/** What a stream may cost at most, as it is held to be before anything of it is seen. */
export function addEstimateHeaders(headers: string[], most: Pick<Cost, 'costNanos' | 'currency'>): void {
  if (most.costNanos === null || most.currency === null) return
  const { currency } = most
  headers.push('x-headgate-cost-estimate', nanosText(most.costNanos), 'x-headgate-cost-currency', currency)
}

/**
 * OpenAI's rate-limit headers, names and values in turn. Where several limits of one unit apply, the tightest of
 * the caller's own levels speaks and `x-headgate-limit-scope` says whose it is. A resource is shared: its numbers
 * would tell of others.
 */
export function addRateHeaders(
  headers: string[],
  claims: readonly Claim[],
  states: readonly PoolState[],
): void {
  const requests = tightest('requests', claims, states)
  const tokens = tightest('tokens', claims, states)
  if (requests >= 0) addRate(headers, claims[requests] as Claim, states[requests] as PoolState)
  if (tokens >= 0) addRate(headers, claims[tokens] as Claim, states[tokens] as PoolState)
  const spoke = claims[requests >= 0 ? requests : tokens]
  if (spoke !== undefined) headers.push('x-headgate-limit-scope', spoke.scope.kind)
}

const RATE_HEADERS = {
  requests: ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  tokens: ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
} as const

function addRate(headers: string[], { unit, limit }: Claim, { remaining, resetMs }: PoolState): void {
  const [ofLimit, ofRemaining, ofReset] = RATE_HEADERS[unit === 'tokens' ? unit : 'requests']
  headers.push(ofLimit, String(limit), ofRemaining, String(remaining), ofReset, durationText(resetMs))
}

/** Which claim of a unit has the least left; -1 when no claim of the caller's own is of it. */
function tightest(
  unit: 'requests' | 'tokens',
  claims: readonly Claim[],
  states: readonly PoolState[],
): number {
  let found = -1
  for (let i = 0; i < claims.length; i++) {
    const claim = claims[i] as Claim
    if (claim.unit !== unit || claim.scope.kind === 'resource' || states[i] === undefined) continue
    if (found < 0 || remaining(states, i) < remaining(states, found)) found = i
  }
  return found
}

function remaining(states: readonly PoolState[], index: number): number {
  return states[index]?.remaining ?? Number.POSITIVE_INFINITY
}

/** Milliseconds as OpenAI writes durations: `12ms`, `7s`, `1m3s`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.ceil(ms))}ms`
  const seconds = Math.ceil(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`
}
