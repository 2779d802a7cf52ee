/** Holds requests and tokens on every limit of the caller, all of them or none, before anything is sent. */
import { GatewayError } from '@headgate/domain/gateway-error'
import { type Claim, claimsOf, type Verdict } from '@headgate/domain/limit'
import type { Authorized, Reserved } from './call.ts'
import type { Gateway } from './gateway.ts'
import { rateHeaders } from './reply-headers.ts'

/** Up to this share is added to a wait, so that callers refused together do not come back together. */
const JITTER = 0.2

/** @throws GatewayError `limit_requests`, `limit_tokens`, `limiter_unavailable` */
export async function reserve(call: Authorized, gateway: Gateway): Promise<Reserved> {
  const { estimate } = call
  const claims = claimsOf(call.caller.key, estimate.input + estimate.output)
  if (claims.length === 0) return { ...call, reservation: { claims, states: [], estimate } }
  const verdict = await gateway.ledger.reserve(claims)
  if (!verdict.admitted) throw refusalOf(claims, verdict)
  return { ...call, reservation: { claims, states: verdict.states, estimate } }
}

function refusalOf(claims: readonly Claim[], verdict: Extract<Verdict, { admitted: false }>): GatewayError {
  const claim = claims[verdict.failed] as Claim
  const remaining = verdict.states[verdict.failed]?.remaining ?? 0
  const retryAfterMs = verdict.waitMs === null ? undefined : verdict.waitMs * (1 + Math.random() * JITTER)
  return new GatewayError(claim.unit === 'requests' ? 'limit_requests' : 'limit_tokens', {
    public: sentence(claim, remaining, retryAfterMs),
    scope: claim.scope,
    limit: claim.limit,
    used: Math.max(0, claim.limit - remaining),
    requested: claim.amount,
    unit: `${claim.unit}/min`,
    headers: Object.fromEntries(rateHeaders(claims, verdict.states)),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  })
}

function sentence(claim: Claim, remaining: number, retryAfterMs: number | undefined): string {
  const what = `${claim.scope.kind} "${claim.scope.name}"`
  if (claim.limit === 0)
    return `The limit of ${what} is zero ${claim.unit} per minute; ask its owner to raise it.`
  if (retryAfterMs === undefined) {
    return `This call needs about ${claim.amount} ${claim.unit}, more than the whole limit of ${what} (${claim.limit} per minute). Ask for less output or a higher limit.`
  }
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  return `Too many ${claim.unit} for ${what}: ${remaining} can be used now of ${claim.limit} per minute, this call needs about ${claim.amount}. Retry in about ${seconds} s.`
}
