/** A limit refusal is what callers read when a limit refuses them: whose it is, what is left, and when to come back. */
import { GatewayError } from './gateway-error.ts'
import { type Ask, amountOf, type Claim, type Refused } from './reservation.ts'

/** Up to this share is added to a wait, so that callers refused together do not come back together. */
const JITTER = 0.2

const codes = {
  requests: 'limit_requests',
  tokens: 'limit_tokens',
  calls: 'limit_concurrency',
  // Budgets refuse in their own words, in budget-refusal.ts.
  nanos: 'budget_exhausted',
} as const

type Around = {
  /** The caller's team, whom to ask for more. */
  readonly owner: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** In [0, 1). */
  readonly jitter: number
}

export function limitRefusal(ask: Ask, verdict: Refused, { owner, headers, jitter }: Around): GatewayError {
  const claim = ask.claims[verdict.failed] as Claim
  const requested = amountOf(claim, ask)
  const remaining = verdict.states[verdict.failed]?.remaining ?? 0
  const retryAfterMs = verdict.waitMs === null ? undefined : verdict.waitMs * (1 + jitter * JITTER)
  return new GatewayError(codes[claim.unit], {
    public: sentence(claim, { requested, remaining, retryAfterMs }),
    scope: claim.scope,
    limit: claim.limit,
    used: Math.max(0, claim.limit - remaining),
    requested,
    unit: unitText(claim),
    headers,
    ...(owner !== undefined && { owner }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

const DAY_MS = 86_400_000

function unitText({ unit, kind, windowMs }: Claim): string {
  if (kind === 'concurrent') return 'calls at once'
  return `${unit}/${windowMs === DAY_MS ? 'day' : 'min'}`
}

function sentence(
  claim: Claim,
  it: { requested: number; remaining: number; retryAfterMs: number | undefined },
): string {
  const what = `${claim.scope.kind} "${claim.scope.name}"`
  const { unit, limit } = claim
  const per = claim.kind === 'concurrent' ? 'at once' : claim.windowMs === DAY_MS ? 'per day' : 'per minute'
  if (limit === 0) return `The limit of ${what} is zero ${unit} ${per}; ask its owner to raise it.`
  if (it.retryAfterMs === undefined) {
    return `This call needs about ${it.requested} ${unit}, more than the whole limit of ${what} (${limit} ${per}). Ask for less output or a higher limit.`
  }
  const seconds = Math.max(1, Math.ceil(it.retryAfterMs / 1000))
  return `Too many ${unit} for ${what}: ${it.remaining} can be used now of ${limit} ${per}, this call needs about ${it.requested}. Retry in about ${seconds} s.`
}
