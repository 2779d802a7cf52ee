/**
 * Own use is what whoever holds a key is told of it: which models it may use, what is left of its limits and budgets,
 * and what became of each call it made. Of other keys nothing is told, not even that they exist.
 */
import { z } from 'zod'
import { nanosText } from './cost.ts'
import { idOf } from './id.ts'
import type { UsageRecord } from './usage-record.ts'

export const RequestId = idOf('req')

/** What became of this call of this key? */
export const CallQuestion = z.object({ requestId: RequestId, keyId: idOf('key') })
export type CallQuestion = z.infer<typeof CallQuestion>

/** `pending` while an answer is under way: its figures grow. `final` once it has ended. */
export type OwnCallState = 'pending' | 'final'

/**
 * A call as its caller is told of it.
 * @param records one for each attempt, in their order, at least one; the last is the end of the call
 */
export function ownCallOf(records: readonly UsageRecord[], state: OwnCallState) {
  const last = records.at(-1)
  if (last === undefined) throw new Error('a call has at least one record')
  const isFinal = state === 'final'
  return {
    object: 'headgate.request',
    id: last.requestId,
    state,
    started_at: last.startedAt,
    endpoint: last.endpoint,
    model: last.alias,
    stream: last.stream,
    client_tag: last.clientTag,
    status: isFinal ? last.status : null,
    outcome: isFinal ? last.outcome : null,
    error_code: last.errorCode,
    usage: usageOf(last),
    cost: costOfRecord(last),
    latency: {
      overhead_ms: last.overheadMicros / 1000,
      first_byte_ms: last.firstByteMs,
      total_ms: last.totalMs,
    },
    attempts: records.map((it) => ({
      attempt: it.attempt,
      deployment_id: it.deploymentId,
      status: it !== last || isFinal ? it.status : null,
      outcome: it !== last || isFinal ? it.outcome : null,
      error_code: it.errorCode,
      usage: usageOf(it),
      cost: costOfRecord(it),
    })),
  }
}

function usageOf({ tokens, usageSource, serviceTier }: UsageRecord) {
  return {
    input_tokens: tokens.input,
    cached_input_tokens: tokens.cachedInput,
    output_tokens: tokens.output,
    reasoning_tokens: tokens.reasoning,
    total_tokens: tokens.input + tokens.output,
    source: usageSource,
    service_tier: serviceTier,
  }
}

/** Unknown is said, and is not zero. */
function costOfRecord({ costNanos, costState, currency }: UsageRecord) {
  return {
    state: costState,
    nanos: costNanos,
    amount: costNanos === null ? null : nanosText(costNanos),
    currency,
  }
}
