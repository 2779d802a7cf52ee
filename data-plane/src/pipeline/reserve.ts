/**
 * Holds what a call needs on every limit that applies to it, all of it or none, before anything is sent. Where
 * the first deployment's quota is used up, the next one's is asked for; a limit of the caller's own is final.
 */
import type { ServingDeployment } from '@headgate/domain/catalog'
import { GatewayError } from '@headgate/domain/gateway-error'
import { limitRefusal } from '@headgate/domain/limit-refusal'
import { type Ask, type Claim, type Refused, unsent } from '@headgate/domain/reservation'
import type { Spend } from '@headgate/domain/spend'
import { type Terms, termsOf } from './budget-terms.ts'
import type { Authorized, Candidates, Reservation, Reserved } from './call.ts'
import type { Gateway } from './gateway.ts'
import { addRateHeaders } from './reply-headers.ts'

/** A journal has room again when the control plane has caught up, or a disk was cleared. */
const JOURNAL_RETRY_MS = 5_000

/** How often budgets may turn out to stand otherwise than was last heard. */
const ROUNDS_MAX = 3
/** Ends leave for the ledger within half of this. */
const GIVEN_BACK_MS = 10

/**
 * @throws GatewayError `limit_requests`, `limit_tokens`, `limit_concurrency`, `budget_exhausted`,
 *   `budget_throttled`, `price_unknown`, `limiter_unavailable`, `journal_full`, and what a policy says of a downshift
 */
export function reserve(call: Authorized, gateway: Gateway): Promise<Reserved> {
  if (call.endpoint.metered && gateway.usage.full())
    throw new GatewayError('journal_full', { retryAfterMs: JOURNAL_RETRY_MS })
  const spend = call.catalog.budgets.of(call.caller.key, call.request.arrivedWallMs)
  return spend === null ? hold(call, null, gateway) : holdUnder(spend, call, gateway)
}

/**
 * Holds a call under its budgets as they were last heard of; when the ledger says that they stand otherwise, what
 * was held comes back, and the call is held anew as it should be.
 */
async function holdUnder(spend: Spend, call: Authorized, gateway: Gateway): Promise<Reserved> {
  for (let round = 1; ; round++) {
    const terms = termsOf(call, spend, { gateway, round })
    let reserved: Reserved
    try {
      reserved = await hold(terms.call, terms, gateway)
    } catch (fault) {
      if (round === ROUNDS_MAX || terms.stillHold()) throw fault
      continue
    }
    if (round === ROUNDS_MAX || terms.stillHold()) return reserved
    for (const ask of reserved.reservation.asks) gateway.ledger.settle(ask, unsent)
    // What comes back has to be there first, or the call would stand in its own way near the end of a budget.
    await new Promise((resolve) => setTimeout(resolve, GIVEN_BACK_MS))
  }
}

async function hold(call: Authorized, terms: Terms | null, gateway: Gateway): Promise<Reserved> {
  const tried = new Set<string | null>()
  let refusal: GatewayError | null = null
  for (const deployment of call.candidates) {
    const { quotaId } = deployment
    if (tried.has(quotaId)) continue
    tried.add(quotaId)
    const limits = call.catalog.limits.claims(call.caller.key, call.alias.name, quotaId)
    const claims = terms === null ? limits : terms.claimsWith(limits)
    const plain = askOf(call, claims, tried.size === 1 ? '' : `.${tried.size}`)
    const ask = terms === null ? plain : terms.paid(plain)
    const verdict = await gateway.ledger.reserve(ask)
    const budget = terms === null ? null : terms.heard(verdict)
    if (verdict.admitted) {
      const reservation = { claims, states: verdict.states, estimate: call.estimate, budget, asks: [ask] }
      return { ...call, candidates: startingWith(deployment, call.candidates), reservation }
    }
    const fault = terms?.refusal(verdict) ?? refusalOf(call, ask, verdict)
    refusal ??= fault
    if ((claims[verdict.failed] as Claim).quotaId === null) throw fault
  }
  throw refusal ?? new GatewayError('no_healthy_deployment')
}

/**
 * Holds what the next deployment needs beyond what is held: the claims on its quota. What was held on the quota
 * of the one before comes back when the call is settled.
 * @returns false when its quota is used up
 */
export async function reserveAlso(
  call: Reserved,
  deployment: ServingDeployment,
  gateway: Gateway,
): Promise<boolean> {
  const { asks } = call.reservation
  const { quotaId } = deployment
  if (quotaId === null || holds(call.reservation, quotaId)) return true
  const all = call.catalog.limits.claims(call.caller.key, call.alias.name, quotaId)
  const claims = all.filter((claim) => claim.quotaId !== null)
  // Its own kind of name: an ask that was refused before had a number, and is not to be taken for this one.
  const ask = askOf(call, claims, `.also${asks.length}`)
  const verdict = await gateway.ledger.reserve(ask)
  if (verdict.admitted) asks.push(ask)
  return verdict.admitted
}

function holds({ asks }: Reservation, quotaId: string): boolean {
  return asks.some((ask) => ask.claims.some((claim) => claim.quotaId === quotaId))
}

function askOf(call: Authorized, claims: readonly Claim[], suffix: string): Ask {
  const { input, output } = call.estimate
  return { id: call.request.id + suffix, claims, tokens: input + output, tokensAtLeast: input }
}

/** The candidates with those first that draw on the quota that has room. */
function startingWith(first: ServingDeployment, candidates: Candidates): Candidates {
  if (candidates[0] === first) return candidates
  const at = candidates.indexOf(first)
  return [first, ...candidates.slice(at + 1), ...candidates.slice(0, at)]
}

function refusalOf(call: Authorized, ask: Ask, verdict: Refused): GatewayError {
  const headers = rateHeadersOf(ask, verdict)
  const owner = call.catalog.team(call.caller.teamId)?.name
  return limitRefusal(ask, verdict, { owner, headers, jitter: Math.random() })
}

function rateHeadersOf({ claims }: Ask, { states }: Refused): Record<string, string> {
  const flat: string[] = []
  addRateHeaders(flat, claims, states)
  const headers: Record<string, string> = {}
  for (let i = 0; i < flat.length; i += 2) headers[flat[i] as string] = flat[i + 1] as string
  return headers
}
