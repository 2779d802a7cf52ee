/**
 * A usage record says what one call used and cost, who made it and how it ended. Every call leaves exactly
 * one, refused and broken calls included. Tokens and money are integers; times are milliseconds unless named.
 */
import { z } from 'zod'
import type { Price } from './price.ts'

const MILLION = 1_000_000n

export const Outcome = z.enum(['succeeded', 'refused', 'failed', 'aborted', 'truncated'])
export type Outcome = z.infer<typeof Outcome>

/** Where the token counts come from: the provider said so, we estimated, or nothing was used. */
export const UsageSource = z.enum(['reported', 'estimated', 'none'])
export type UsageSource = z.infer<typeof UsageSource>

const Count = z.int().min(0)

/** `cachedInput` is a part of `input`; `reasoning` is a part of `output`. */
export const TokenUsage = z.object({ input: Count, cachedInput: Count, output: Count, reasoning: Count })
export type TokenUsage = z.infer<typeof TokenUsage>

export const noTokens: TokenUsage = Object.freeze({ input: 0, cachedInput: 0, output: 0, reasoning: 0 })

const CostState = z.enum(['priced', 'unknown', 'none'])

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
  usageSource: UsageSource,
  /** Null unless `costState` is `priced`. */
  costNanos: Count.nullable(),
  costState: CostState,
  currency: z.string().max(3).nullable(),
  priceId: Id.nullable(),
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
})
export type UsageRecord = z.infer<typeof UsageRecord>

export type Cost = Pick<UsageRecord, 'costNanos' | 'costState' | 'currency' | 'priceId'>

const noCost: Cost = Object.freeze({ costNanos: null, costState: 'none', currency: null, priceId: null })
const unknownCost: Cost = Object.freeze({
  costNanos: null,
  costState: 'unknown',
  currency: null,
  priceId: null,
})

/**
 * What the tokens cost, in nanos, rounded up once for the whole call.
 * Counts beyond any real call could pass 2^53 on the way, so the sum is made in BigInt.
 * @param price the price in force when the call was admitted; null when the model has none.
 */
export function costOf(tokens: TokenUsage, price: Price | null): Cost {
  if (tokens.input === 0 && tokens.output === 0) return noCost
  if (price === null) return unknownCost
  const cached = Math.min(tokens.cachedInput, tokens.input)
  const total =
    BigInt(tokens.input - cached) * BigInt(price.inputNanosPerMillion) +
    BigInt(cached) * BigInt(price.cachedInputNanosPerMillion) +
    BigInt(tokens.output) * BigInt(price.outputNanosPerMillion)
  const nanos = (total + MILLION - 1n) / MILLION
  if (nanos > BigInt(Number.MAX_SAFE_INTEGER)) return unknownCost
  return { costNanos: Number(nanos), costState: 'priced', currency: price.currency, priceId: price.id }
}
