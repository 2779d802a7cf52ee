/**
 * A usage record says what one call used and cost, who made it and how it ended. Every call leaves exactly
 * one, refused and broken calls included. Tokens and money are integers; times are milliseconds unless named.
 */
import { z } from 'zod'
import { ClientTag } from './client-tag.ts'
import { CostState } from './cost.ts'
import { StoredDecision } from './stored-decision.ts'
import { Count, TokenUsage, UsageDetails } from './usage.ts'

export const Outcome = z.enum(['succeeded', 'refused', 'failed', 'aborted', 'truncated'])
export type Outcome = z.infer<typeof Outcome>

/**
 * Where the token counts come from: the provider said so; nobody did, and the text that was sent and received was
 * counted; we estimated; or nothing was used.
 */
export const UsageSource = z.enum(['reported', 'counted', 'estimated', 'none'])
export type UsageSource = z.infer<typeof UsageSource>

const Id = z.string().max(64)

/** What a shadow policy would have refused. */
const ShadowRefusal = z.object({ code: z.string().max(64), policyId: Id, text: z.string().max(500) })
export type ShadowRefusal = z.infer<typeof ShadowRefusal>

export const UsageRecord = z.object({
  /** The request id the caller saw; unique together with `attempt`. */
  requestId: Id,
  /** Which attempt at an upstream this is, from 1; 0 when none was made. */
  attempt: Count,
  startedAt: z.iso.datetime(),
  keyId: Id.nullable(),
  userId: Id.nullable(),
  appId: Id.nullable(),
  teamId: Id.nullable(),
  endpoint: z.string().max(64),
  /** The alias the caller wrote; null when it is not one of ours, so that records cannot be flooded with names. */
  alias: z.string().max(128).nullable(),
  deploymentId: Id.nullable(),
  resourceId: Id.nullable(),
  upstreamModel: z.string().max(128).nullable(),
  stream: z.boolean(),
  status: Count,
  outcome: Outcome,
  errorCode: z.string().max(64).nullable(),
  tokens: TokenUsage,
  /** Null where there are none. Absent in records of older gateways, like what follows it. */
  usageDetails: UsageDetails.nullable().default(null),
  usageSource: UsageSource,
  /** As the answer names it. */
  serviceTier: z.string().max(32).nullable().default(null),
  /** Null unless `costState` is `priced`, or `free`, which is zero. */
  costNanos: Count.nullable(),
  costState: CostState,
  currency: z.string().max(3).nullable(),
  priceId: Id.nullable(),
  agreementId: Id.nullable().default(null),
  requestBytes: Count,
  replyBytes: Count,
  /** The gateway's own share of the time, in microseconds. */
  overheadMicros: Count,
  firstByteMs: Count.nullable(),
  totalMs: Count,
  catalogVersion: Count.nullable(),
  upstreamRequestId: z.string().max(128).nullable(),
  /** Null when no shadow policy objected. Absent in records of older gateways. */
  shadowRefusal: ShadowRefusal.nullable().default(null),
  /** Which secret of its key the call came with, and what its client calls itself; only while a key is rotated. */
  secretNumber: z.int().min(1).nullable().default(null),
  client: z.string().max(200).nullable().default(null),
  /** Whom the caller says it calls for. Null where it says nothing, and of callers nobody knows. */
  clientTag: ClientTag.nullable().default(null),
  /** Why a refused call was refused; null for all others. */
  decision: StoredDecision.nullable().default(null),
})
export type UsageRecord = z.infer<typeof UsageRecord>
