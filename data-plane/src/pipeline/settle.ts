/**
 * The end of a call: the truth replaces the estimate in the ledger, and its usage record leaves, exactly once
 * whatever happened. Success, abort, failure and refusal all end here. An attempt that failed before another
 * one was made leaves a record of its own.
 */
import { priceOf } from '@headgate/domain/catalog'
import { type Cost, costOf, noCost } from '@headgate/domain/cost'
import { type GatewayError, toGatewayError } from '@headgate/domain/gateway-error'
import { redact } from '@headgate/domain/redaction'
import type { Used } from '@headgate/domain/reservation'
import { noTokens, type Usage } from '@headgate/domain/usage'
import type { UsageIntent } from '@headgate/domain/usage-intent'
import type { Outcome, UsageRecord, UsageSource } from '@headgate/domain/usage-record'
import type { Body } from '../message/body.ts'
import type { Tried } from '../message/inbound-request.ts'
import type { Answered, BudgetTerms, Reached, Reservation, Reserved } from './call.ts'
import type { Gateway } from './gateway.ts'

const CLIENT_LENGTH_MAX = 150
/** Calls with the old secret just after its end are those that people look for. */
const SECRET_USE_TAIL_MS = 60 * 60_000

/** How a call ended. */
export type Ending = {
  readonly outcome: Outcome
  readonly status: number
  readonly errorCode: string | null
  readonly usage: Usage
  readonly usageSource: UsageSource
  readonly replyBytes: number
  /** When the first byte of the answer left, monotonic; null when none did. */
  readonly firstByteAtMs: number | null
}

export const noUsage: Usage = Object.freeze({ tokens: noTokens, details: null, serviceTier: null })

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
  const { tried } = reached.request
  reached.request.endLoad()
  const usage = usageLost(reached, error)
  const quotaId = tried?.deployment.quotaId ?? null
  const cost = costOf(usage.tokens, tried?.price ?? null, null, usage.serviceTier)
  const sent = tried !== null && error.code !== 'journal_full'
  if (reached.reservation)
    end(reached.reservation, { sent, tokens: usage.tokens.input, quotaId }, cost, gateway)
  if (error.code === 'internal_error') gateway.log.fault(reached.request.id, error)
  const ending = {
    ...endingOf(error),
    usage,
    usageSource: usage === noUsage ? 'none' : 'estimated',
  } as const
  append(reached, ending, cost, gateway)
}

/** Faults after which the provider may have worked, and bills, though nobody got the answer. */
const BILLED_FAULTS: ReadonlySet<string> = new Set([
  'client_closed',
  'upstream_timeout',
  'upstream_truncated',
  'draining',
])

/** The prompt at least is billed when a call broke after it was sent; what else was made, nobody saw. */
function usageLost(reached: Reached, error: GatewayError): Usage {
  const { estimate, request, endpoint, body } = reached
  if (request.tried === null || estimate === undefined || !BILLED_FAULTS.has(error.code)) return noUsage
  if (endpoint?.kind !== 'forwarded' || body === undefined) return noUsage
  return estimatedUsage({ endpoint, body, estimate }, 0)
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
  const record = recordOf(reached, ending, cost, gateway.clock.monotonicMs())
  const { tried } = reached.request
  if (tried === null) gateway.usage.append(record)
  else tried.account.close(record)
  if (reached.endpoint?.kind === 'forwarded') gateway.recentCalls.note(record)
  gateway.log.call(record)
}

/** The record of a call that ends like this. */
export function recordOf(reached: Reached, ending: Ending, cost: Cost, endedAtMs: number): UsageRecord {
  const { request, caller, upstream } = reached
  const deployment = reached.deployment ?? request.tried?.deployment
  const { firstByteAtMs } = ending
  const secret = secretUse(reached)
  return {
    requestId: request.id,
    attempt: upstream?.attempt ?? request.tried?.attempt ?? 0,
    startedAt: new Date(request.arrivedWallMs).toISOString(),
    keyId: caller?.keyId ?? null,
    userId: caller?.userId ?? null,
    appId: caller?.appId ?? null,
    teamId: caller?.teamId ?? null,
    endpoint: reached.endpoint?.name ?? 'unknown',
    alias: reached.alias?.name ?? null,
    deploymentId: deployment?.id ?? null,
    resourceId: deployment?.resource.id ?? null,
    upstreamModel: deployment?.upstreamModel ?? null,
    stream: reached.stream ?? false,
    status: ending.status,
    outcome: ending.outcome,
    errorCode: ending.errorCode,
    tokens: ending.usage.tokens,
    usageDetails: ending.usage.details,
    usageSource: ending.usageSource,
    serviceTier: ending.usage.serviceTier,
    costNanos: cost.costNanos,
    costState: cost.costState,
    currency: cost.currency,
    priceId: cost.priceId,
    agreementId: cost.agreementId,
    requestBytes: request.bodyBytes,
    replyBytes: ending.replyBytes,
    overheadMicros: Math.max(0, Math.round(request.overheadMs(upstream, firstByteAtMs, endedAtMs) * 1000)),
    firstByteMs: firstByteAtMs === null ? null : Math.round(firstByteAtMs - request.arrivedAtMs),
    totalMs: Math.max(0, Math.round(endedAtMs - request.arrivedAtMs)),
    catalogVersion: reached.catalog?.version ?? null,
    upstreamRequestId: upstreamRequestId(reached),
    shadowRefusal: reached.shadowRefusal ?? null,
    secretNumber: secret.secretNumber,
    client: secret.client,
    // Of callers we know: others could fill the books with what they make up.
    clientTag: caller === undefined ? null : request.head.clientTag,
  }
}

type SecretUse = Pick<UsageRecord, 'secretNumber' | 'client'>

const noSecretUse: SecretUse = { secretNumber: null, client: null }

/** Who still uses which secret is asked while a key is rotated, and costs nothing at other times. */
function secretUse({ caller, request }: Reached): SecretUse {
  const rotation = caller?.key.rotation ?? null
  if (rotation === null || request.arrivedWallMs > rotation.untilMs + SECRET_USE_TAIL_MS) return noSecretUse
  const client = request.head.userAgent
  return {
    secretNumber: rotation.secretNumber,
    client: client === null ? null : redact(client, CLIENT_LENGTH_MAX),
  }
}

/** The id the provider gave its answer, so that both sides can talk about the same call. */
function upstreamRequestId(reached: Reached): string | null {
  const headers = reached.upstream?.head.headers
  const id = headers?.['x-request-id'] ?? headers?.['apim-request-id']
  return typeof id === 'string' ? id.slice(0, 128) : null
}

/** What a deployment's usage costs now, fixed when the call is sent. */
export function priceNow(deployment: Parameters<typeof priceOf>[0], gateway: Gateway) {
  return priceOf(deployment, gateway.clock.nowMs())
}
