/**
 * A stored decision says why a call was refused, as it was judged then: what refused it, its figures at that
 * instant, and what the caller was told. It is kept with the usage record of a refused call, and of no other.
 */
import { z } from 'zod'
import { type GatewayError, sentenceOf } from './gateway-error.ts'
import { redact } from './redaction.ts'

const TEXT_LENGTH_MAX = 500

/** Whole and exact, or nothing: figures of caps and budgets come as any integer. */
const Figure = z.int().nullable()

export const StoredDecision = z.object({
  code: z.string().max(64),
  /** The sentence the caller was told. */
  text: z.string().max(TEXT_LENGTH_MAX + 1),
  /** Whose limit or budget it was; null where the code has no owner. */
  scope: z
    .object({ kind: z.enum(['key', 'user', 'app', 'team', 'resource']), name: z.string().max(400) })
    .nullable(),
  /**
   * What refused: a limit, quota, budget or policy, or the key, app or team whose own figure, list or state it
   * was. Null where it was none of them.
   */
  thingId: z.string().max(64).nullable(),
  unit: z.string().max(32).nullable(),
  limit: Figure,
  used: Figure,
  requested: Figure,
  /** How long to wait, as the caller was told; null where waiting is no use. */
  retryAfterMs: z.int().nullable(),
  /** The rule of the route that held for the call; null where none did, or none was reached. */
  rule: z.string().max(200).nullable(),
})
export type StoredDecision = z.infer<typeof StoredDecision>

/** What is known of a refused call beside its error. */
type Around = { readonly keyId: string | null; readonly rule: string | null }

/** The decision behind a refusal. Texts pass redaction, because callers write a part of them. */
export function storedDecisionOf(error: GatewayError, { keyId, rule }: Around): StoredDecision {
  const { code, detail } = error
  const ofKey = code.startsWith('key_') ? keyId : null
  return {
    code,
    text: redact(sentenceOf(error), TEXT_LENGTH_MAX),
    scope: detail.scope ?? null,
    thingId: detail.policy?.id ?? detail.budget?.id ?? detail.thingId ?? ofKey,
    unit: detail.unit ?? null,
    limit: figureOf(detail.limit),
    used: figureOf(detail.used),
    requested: figureOf(detail.requested),
    retryAfterMs: figureOf(detail.retryAfterMs === undefined ? undefined : Math.ceil(detail.retryAfterMs)),
    rule,
  }
}

/** Estimates and waits may be no whole numbers, and what is no safe number is not stored as one. */
function figureOf(figure: number | undefined): number | null {
  if (figure === undefined) return null
  // No zero below zero, which JSON does not know.
  const whole = Math.round(figure) + 0
  return Number.isSafeInteger(whole) ? whole : null
}
