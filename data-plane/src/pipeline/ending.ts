/** How a call ended, and the usage record that comes of it. */
import type { Cost } from '@headgate/domain/cost'
import { redact } from '@headgate/domain/redaction'
import type { StoredDecision } from '@headgate/domain/stored-decision'
import { noTokens, type Usage } from '@headgate/domain/usage'
import type { Outcome, UsageRecord, UsageSource } from '@headgate/domain/usage-record'
import type { CountedTokens } from '../tokenizer/question.ts'
import type { Reached } from './call.ts'

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
  /** When it ended, monotonic; left out where it is settled at once. */
  readonly endedAtMs?: number
  /** Why it was refused; left out where it was not. */
  readonly decision?: StoredDecision
}

export const noUsage: Usage = Object.freeze({ tokens: noTokens, details: null, serviceTier: null })

/** The ending with what was counted in the place of the estimate, which stands where nothing could be. */
export function withCount(ending: Ending, counted: CountedTokens | null): Ending {
  if (counted === null) return ending
  const { usage } = ending
  return { ...ending, usage: { ...usage, tokens: { ...usage.tokens, ...counted } }, usageSource: 'counted' }
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
    decision: ending.decision ?? null,
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
