/**
 * The end of a call: the truth replaces the estimate in the ledger, and its usage record leaves, exactly once
 * whatever happened. Success, abort, failure and refusal all end here. An attempt that failed before another
 * one was made leaves a record of its own.
 */
import { priceOf } from '@headgate/domain/catalog'
import { type Cost, costOf, noCost } from '@headgate/domain/cost'
import { type GatewayError, toGatewayError } from '@headgate/domain/gateway-error'
import type { Used } from '@headgate/domain/reservation'
import { type StoredDecision, storedDecisionOf } from '@headgate/domain/stored-decision'
import { noTokens, type Usage } from '@headgate/domain/usage'
import type { UsageIntent } from '@headgate/domain/usage-intent'
import type { Body } from '../message/body.ts'
import type { Tried } from '../message/inbound-request.ts'
import type { CountQuestion, Said } from '../tokenizer/question.ts'
import type { Answered, BudgetTerms, Reached, Reservation, Reserved } from './call.ts'
import { type Ending, noUsage, recordOf, withCount } from './ending.ts'
import type { Gateway } from './gateway.ts'

/** Settles a call that was answered by an upstream, and gives what it cost. A second time does nothing more. */
export function settle(call: Answered, ending: Ending, gateway: Gateway): Cost {
  const { tokens, details, serviceTier } = ending.usage
  const cost = costOf(tokens, call.price, details, serviceTier)
  if (!call.request.claimSettlement()) return cost
  call.request.endLoad()
  const used = { sent: true, tokens: tokens.input + tokens.output, quotaId: call.deployment.quotaId }
  end(call.reservation, used, cost, gateway)
  append(call, ending, cost, gateway)
  return cost
}

/** Settles a call that was refused or failed before an answer could be passed on. A second time does nothing. */
export function settleRefused(reached: Reached, thrown: unknown, gateway: Gateway): void {
  if (!reached.request.claimSettlement()) return
  const error = toGatewayError(thrown)
  reached.request.endLoad()
  if (error.code === 'internal_error') gateway.log.fault(reached.request.id, error)
  const sent = reached.request.tried !== null && error.code !== 'journal_full'
  const ending = { ...endingOf(error), ...decisionOf(reached, error) }
  const lost = usageLost(reached, error)
  if (lost === null) endRefused(reached, ending, sent, gateway)
  else void endLost(reached, { ...ending, usage: lost.usage, usageSource: 'estimated' }, lost, gateway)
}

/** What may have been billed is counted, and then it ends like any other. */
async function endLost(reached: Reached, ending: Ending, lost: Lost, gateway: Gateway): Promise<void> {
  const endedAtMs = gateway.clock.monotonicMs()
  const counted = await gateway.tokens.count(countQuestion(lost, null))
  endRefused(reached, { ...withCount(ending, counted), endedAtMs }, true, gateway)
}

function endRefused(reached: Reached, ending: Ending, sent: boolean, gateway: Gateway): void {
  const { tried } = reached.request
  const { tokens, serviceTier } = ending.usage
  const cost = costOf(tokens, tried?.price ?? null, null, serviceTier)
  const used = { sent, tokens: tokens.input, quotaId: tried?.deployment.quotaId ?? null }
  if (reached.reservation) end(reached.reservation, used, cost, gateway)
  append(reached, ending, cost, gateway)
}

/** Faults after which the provider may have worked, and bills, though nobody got the answer. */
const BILLED_FAULTS: ReadonlySet<string> = new Set([
  'client_closed',
  'upstream_timeout',
  'upstream_truncated',
  'draining',
])

type Lost = Pick<Answered, 'endpoint' | 'body' | 'deployment'> & { readonly usage: Usage }

/**
 * The prompt at least is billed when a call broke after it was sent; what else was made, nobody saw. Null when
 * nothing is billed.
 */
function usageLost(reached: Reached, error: GatewayError): Lost | null {
  const { estimate, request, endpoint, body } = reached
  if (request.tried === null || estimate === undefined || !BILLED_FAULTS.has(error.code)) return null
  if (endpoint?.kind !== 'forwarded' || body === undefined || !endpoint.metered) return null
  const usage = estimatedUsage({ endpoint, body, estimate }, 0)
  return { endpoint, body, deployment: request.tried.deployment, usage }
}

/** The question for whoever counts tokens. @param said what the caller got of the answer */
export function countQuestion(
  { endpoint, body, deployment }: Pick<Answered, 'endpoint' | 'body' | 'deployment'>,
  said: Said,
): CountQuestion {
  return { model: deployment.pricedAs, endpoint: endpoint.name, body: body.bytes, said }
}

/** What a call is held to have used when nobody told: its estimate, in the service tier it asked for. */
export function estimatedUsage(
  { endpoint, body, estimate }: Pick<Answered, 'endpoint' | 'body' | 'estimate'>,
  output: number,
): Usage {
  if (!endpoint.metered) return noUsage
  const serviceTier = endpoint.billedBeside.includes('service_tier') ? tierAsked(body) : null
  return { tokens: { ...noTokens, input: estimate.input, output }, details: null, serviceTier }
}

/** Read from the bytes, because what ends a call must not throw, whatever the caller wrote there. */
function tierAsked({ bytes, fields }: Body): string | null {
  const span = fields.spans.get('service_tier')
  if (span === undefined || span.end - span.start > 32) return null
  return /^"([a-z_]+)"$/.exec(bytes.toString('latin1', span.start, span.end))?.[1] ?? null
}

/**
 * Records an attempt that failed, before the next one is made. What was used is counted where the call ends: a
 * failed attempt costs nothing unless its provider said so, which none does.
 */
export function settleAttempt(call: Reserved, fault: GatewayError, gateway: Gateway): void {
  const record = recordOf(call, endingOf(fault), noCost, gateway.clock.monotonicMs())
  call.request.endLoad()
  call.request.tried?.account.close(record)
  gateway.recentCalls.note(record)
}

/** What the record of an attempt would be if this process died: the prompt, which is billed once it is sent. */
export function intentOf(
  call: Reserved,
  { deployment, price, attempt }: Pick<Tried, 'deployment' | 'price' | 'attempt'>,
): UsageIntent {
  const { request, caller, endpoint } = call
  const { tokens, serviceTier } = estimatedUsage(call, 0)
  const cost = costOf(tokens, price, null, serviceTier)
  return {
    requestId: request.id,
    attempt,
    startedAtMs: request.arrivedWallMs,
    keyId: caller.keyId,
    userId: caller.userId,
    appId: caller.appId,
    teamId: caller.teamId,
    endpoint: endpoint.name,
    alias: call.alias.name,
    deploymentId: deployment.id,
    resourceId: deployment.resource.id,
    upstreamModel: deployment.upstreamModel,
    stream: call.stream,
    requestBytes: request.bodyBytes,
    catalogVersion: call.catalog.version,
    shadowRefusal: call.shadowRefusal,
    inputTokens: tokens.input,
    serviceTier,
    costNanos: cost.costNanos,
    costState: cost.costState,
    currency: cost.currency,
    priceId: cost.priceId,
    agreementId: cost.agreementId,
    clientTag: request.head.clientTag,
  }
}

/** Settles a call the gateway answered itself. */
export function settleLocal(reached: Reached, replyBytes: number, gateway: Gateway): void {
  if (!reached.request.claimSettlement()) return
  const ending = { ...noEnding, outcome: 'succeeded', status: 200, replyBytes } as const
  append(reached, ending, noCost, gateway)
}

const noEnding = {
  errorCode: null,
  usage: noUsage,
  usageSource: 'none',
  replyBytes: 0,
  firstByteAtMs: null,
} as const

function endingOf(error: GatewayError): Ending {
  const outcome =
    error.code === 'client_closed'
      ? 'aborted'
      : error.code.startsWith('upstream_') || error.status >= 500
        ? 'failed'
        : 'refused'
  return { ...noEnding, outcome, status: error.status, errorCode: error.code }
}

/** What judged for itself says why: refusals, and limits or budgets that could not be judged. */
function decisionOf({ caller, rule }: Reached, error: GatewayError): { decision?: StoredDecision } {
  if (endingOf(error).outcome !== 'refused' && error.detail.scope === undefined) return {}
  return { decision: storedDecisionOf(error, { keyId: caller?.keyId ?? null, rule: rule ?? null }) }
}

/** What a cost comes to in the currency of the budgets of a call; a cost they cannot count is not theirs. */
export function countedNanos(budget: BudgetTerms, { costNanos, currency }: Cost): number {
  return currency === budget.currency ? (costNanos ?? 0) : 0
}

/** Tells the ledger what became of all that was held. */
function end({ asks, budget }: Reservation, used: Used, cost: Cost, gateway: Gateway): void {
  const told = budget === null ? used : { ...used, nanos: countedNanos(budget, cost) }
  for (const ask of asks) gateway.ledger.settle(ask, told)
}

function append(reached: Reached, ending: Ending, cost: Cost, gateway: Gateway): void {
  const record = recordOf(reached, ending, cost, ending.endedAtMs ?? gateway.clock.monotonicMs())
  const { tried } = reached.request
  if (tried === null) gateway.usage.append(record)
  else tried.account.close(record)
  if (reached.endpoint?.kind === 'forwarded') gateway.recentCalls.note(record)
  gateway.log.call(record)
}

/** What a deployment's usage costs now, fixed when the call is sent. */
export function priceNow(deployment: Parameters<typeof priceOf>[0], gateway: Gateway) {
  return priceOf(deployment, gateway.clock.nowMs())
}
