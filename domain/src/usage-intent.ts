/**
 * A usage intent says, before an attempt at an upstream is made, what its record would be if nothing more were
 * heard of it. When a gateway dies, its successor makes the record out of the intent and the last that was
 * noted beside it: the provider bills a call although nobody saw its end.
 */
import { z } from 'zod'
import { type Cost, noCost } from './cost.ts'
import { noTokens } from './usage.ts'
import { UsageRecord } from './usage-record.ts'

const shape = UsageRecord.shape

export const UsageIntent = z.object({
  requestId: shape.requestId,
  attempt: shape.attempt,
  /** When the request came, ms since 1970. */
  startedAtMs: z.int().min(0),
  keyId: shape.keyId,
  userId: shape.userId,
  appId: shape.appId,
  teamId: shape.teamId,
  endpoint: shape.endpoint,
  alias: shape.alias,
  deploymentId: shape.deploymentId,
  resourceId: shape.resourceId,
  upstreamModel: shape.upstreamModel,
  stream: shape.stream,
  requestBytes: shape.requestBytes,
  catalogVersion: shape.catalogVersion,
  shadowRefusal: shape.shadowRefusal,
  /** The estimate of the prompt, which is billed as soon as it is sent, and what it costs. */
  inputTokens: z.int().min(0),
  serviceTier: shape.serviceTier,
  costNanos: shape.costNanos,
  costState: shape.costState,
  currency: shape.currency,
  priceId: shape.priceId,
  agreementId: shape.agreementId,
  clientTag: shape.clientTag,
})
export type UsageIntent = z.infer<typeof UsageIntent>

/** What an answer under way has used by now, and what that costs. */
export const UsageProgress = UsageRecord.pick({
  tokens: true,
  usageDetails: true,
  usageSource: true,
  serviceTier: true,
  costNanos: true,
  costState: true,
  currency: true,
  priceId: true,
  agreementId: true,
  replyBytes: true,
})
export type UsageProgress = z.infer<typeof UsageProgress>

/** The code in the record of a call whose gateway died. No caller reads it: their connection broke. */
const LOST_CODE = 'gateway_lost'

/** What was noted beside an intent before its gateway died. */
export type LastHeard = { readonly sent: boolean; readonly progress: UsageProgress | null }

/**
 * The record of an attempt whose gateway died: nothing was used if nothing was sent, the prompt if no answer
 * was seen, else what was last noted. Always the same for the same intent, so that making it twice is once.
 */
export function recordOfLost(intent: UsageIntent, { sent, progress }: LastHeard): UsageRecord {
  const { startedAtMs, inputTokens, costNanos, costState, currency, priceId, agreementId, ...known } = intent
  const priced: Cost = { costNanos, costState, currency, priceId, agreementId }
  const plain = { usageDetails: null, serviceTier: known.serviceTier, replyBytes: 0 }
  const used: UsageProgress =
    progress ??
    (sent && inputTokens > 0
      ? { ...plain, tokens: { ...noTokens, input: inputTokens }, usageSource: 'estimated', ...priced }
      : { ...plain, tokens: noTokens, usageSource: 'none', ...noCost })
  return {
    ...known,
    startedAt: new Date(startedAtMs).toISOString(),
    status: progress === null ? 500 : 200,
    outcome: progress === null ? 'failed' : 'truncated',
    errorCode: LOST_CODE,
    ...used,
    overheadMicros: 0,
    firstByteMs: null,
    totalMs: 0,
    upstreamRequestId: null,
    // The use of secrets is told of calls whose end was seen.
    secretNumber: null,
    client: null,
  }
}
