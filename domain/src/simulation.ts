/**
 * A simulation says what would become of a call, step by step, and takes nothing: by the rules that gateways judge
 * with, on whatever catalog is given. What a gateway alone knows (how busy its deployments are, its own chance) a
 * simulation does not; it names the deployments in the order of the route instead.
 */

import { exhausted, throttled, uncounted } from './budget-refusal.ts'
import { type Catalog, candidatesOf, pathOf, type ServingAlias, type ServingDeployment } from './catalog.ts'
import type { Choice } from './choice.ts'
import { endpointFacts } from './endpoint.ts'
import { type Estimate, estimateOf } from './estimate.ts'
import { GatewayError, toGatewayError } from './gateway-error.ts'
import { limitRefusal } from './limit-refusal.ts'
import { longestAnswer } from './model-entry.ts'
import { decide, type Refusal } from './policy.ts'
import { policyError } from './policy-refusal.ts'
import { keyFault } from './proxy-key.ts'
import {
  type Ask,
  amountOf,
  type Claim,
  type PoolState,
  type Refused,
  UNBOUNDED,
  UNKNOWN_MS,
} from './reservation.ts'
import type { ConditionPart } from './route-condition.ts'
import { modelNotFound, offeredOf } from './route-refusal.ts'
import { keyOf, type SimulatedCall } from './simulated-call.ts'
import type { SimulatedLedger } from './simulated-ledger.ts'
import type { OpenBudget, Spend } from './spend.ts'
import {
  downshiftOf,
  type Offer,
  offersOf,
  pricedOffers,
  type Throttle,
  throttlesOf,
  worthOf,
} from './spend-terms.ts'
import { noTokens } from './usage.ts'

/** A call is never sent more often. */
const ATTEMPTS_MAX = 4

/** How a model was resolved. Filled as far as the call got. */
export type SimulatedRoute = {
  readonly model: string
  /** Each rule before the one that decides, and that one: null where it holds. */
  readonly rules: readonly { readonly name: string; readonly missedBy: ConditionPart | null }[]
  readonly rule: string | null
  readonly choice: Choice
}

export type SimulatedLimit = {
  readonly claim: Claim
  readonly asked: number
  readonly state: PoolState
}

export type SimulatedBudget = {
  readonly budget: OpenBudget
  /** Null while nobody knows. */
  readonly spentNanos: number | null
}

/** Everything up to where the call was let through or refused. */
export type Simulation = {
  readonly routes: SimulatedRoute[]
  estimate: Estimate | null
  /** What a policy refused. */
  policyRefusal: Refusal | null
  /** What a shadow policy would have refused. */
  shadowRefusal: Refusal | null
  /** The model that a budget has serve in place of the one asked for. */
  downshiftedTo: string | null
  budgets: readonly SimulatedBudget[]
  limits: readonly SimulatedLimit[]
  /** In the order to try them, those with the quota that has room first. */
  offers: readonly Offer[]
  /** Null where the call is let through. */
  refusal: GatewayError | null
}

type Around = {
  readonly catalog: Catalog
  readonly ledger: SimulatedLedger
}

/** Simulates one call. Refusals are part of the answer. @throws what `ledger` throws when it cannot be asked */
export async function simulate(call: SimulatedCall, around: Around): Promise<Simulation> {
  const seen: Simulation = {
    ...{ routes: [], estimate: null, policyRefusal: null, shadowRefusal: null, downshiftedTo: null },
    ...{ budgets: [], limits: [], offers: [], refusal: null },
  }
  try {
    const fault = keyFault(call.key, call.atMs)
    if (fault !== null) throw new GatewayError(fault)
    const asked = judged(call, call.model, { seen, ...around })
    await hold(asked, call, { seen, ...around })
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    seen.refusal = toGatewayError(thrown)
  }
  return seen
}

type Seeing = Around & { readonly seen: Simulation }

/** A call whose model is resolved and whose policies have let it pass. */
type Judged = {
  readonly alias: ServingAlias
  readonly candidates: readonly ServingDeployment[]
  readonly estimate: Estimate
}

function judged(call: SimulatedCall, model: string, { catalog, seen }: Seeing): Judged {
  const alias = catalog.alias(model)
  if (alias === undefined) throw modelNotFound(model)
  const asked = { ...keyOf(call), endpoint: call.endpoint, tags: call.tags, atMs: call.atMs }
  const path = pathOf(alias, asked)
  const deciding = alias.rules.findIndex((it) => it.rule === path.rule)
  const passed = deciding < 0 ? alias.rules : alias.rules.slice(0, deciding + 1)
  const rules = passed.map((it) => ({ name: it.rule, missedBy: it.missedBy(asked) }))
  seen.routes.push({ model: alias.name, rules, rule: path.rule, choice: path.choice })
  const chooser = {
    // Of a tier that chance puts in order, the order in which it is written.
    random: () => 0,
    loadOf: () => ({ inFlight: 0, latencyMs: 0 }),
    stickTo: () => (call.session === null ? call.key.id : `${call.key.teamId} ${call.session}`),
  }
  const facts = factsOf(call)
  const candidates = offeredOf(candidatesOf(path, chooser), alias.name, {
    name: call.endpoint,
    path: facts.path,
  })
  return ruled(call, { alias, candidates }, { catalog, seen })
}

function ruled(
  call: SimulatedCall,
  { alias, candidates }: Pick<Judged, 'alias' | 'candidates'>,
  { catalog, seen }: Pick<Seeing, 'catalog' | 'seen'>,
): Judged {
  const { enforced, shadow } = catalog.standing(call.key)
  const facts = factsOf(call)
  const size = facts.outputField === null ? { ...call, outputTokens: 0 } : call
  const estimate = estimateOf(size, longestAnswer(enforced?.outputTokens?.max ?? null, candidates))
  seen.estimate = estimate
  const { endpoint, requestBytes, choices } = call
  const outputTokens = facts.outputField === null ? null : call.outputTokens
  const question = {
    ...{ endpoint, model: alias.name, candidates, requestBytes, inputTokens: estimate.input },
    ...{ outputTokens, choices },
  }
  const decision = decide(enforced, question)
  if (!decision.allowed) {
    seen.policyRefusal = decision.refusal
    const owners = { key: call.key.id, app: call.key.appId, team: call.key.teamId }
    throw policyError(decision.refusal, { endpoint, model: alias.name, owners, ...facts })
  }
  const wouldBe = decide(shadow, { ...question, candidates: decision.candidates })
  seen.shadowRefusal = wouldBe.allowed ? null : wouldBe.refusal
  return { alias, candidates: decision.candidates, estimate }
}

function factsOf({ endpoint }: SimulatedCall) {
  const facts = endpointFacts(endpoint)
  if (facts === null) throw new GatewayError('unknown_endpoint')
  return facts
}

async function hold(asked: Judged, call: SimulatedCall, around: Seeing): Promise<void> {
  const { catalog, ledger, seen } = around
  const spend = catalog.budgets.of(call.key, call.atMs)
  if (spend === null) {
    const held = heldBy(asked, call)
    seen.offers = offersOf(asked.candidates, held, call.atMs)
    return tryQuotas(asked, call, { ...around, terms: null })
  }
  await ledger.learn(spend.budgets.map((it) => it.claim))
  seen.budgets = spend.budgets.map((budget) => ({ budget, spentNanos: spentOf(budget, ledger) }))
  const heard = (budget: OpenBudget) => spentOf(budget, ledger) ?? 0
  const model = downshiftOf(asked.alias.name, { catalog, spend, spentOf: heard })
  seen.downshiftedTo = model
  const served = model === null ? asked : judged(call, model, around)
  const held = heldBy(served, call)
  const offers = pricedOffers(served.alias.name, spend, offersOf(served.candidates, held, call.atMs))
  seen.offers = offers
  const worth = worthOf(spend, offers, held)
  const throttles = throttlesOf(worth.counted, heard)
  const candidates = offers.map((it) => it.deployment)
  return tryQuotas({ ...served, candidates }, call, { ...around, terms: { spend, worth, throttles } })
}

/** Null while what was spent is not known. */
function spentOf({ claim }: OpenBudget, ledger: SimulatedLedger): number | null {
  const { remaining, resetMs } = ledger.stateOf(claim)
  return resetMs === UNKNOWN_MS ? null : claim.limit - remaining
}

function heldBy({ estimate }: Judged, call: SimulatedCall) {
  const tokens = factsOf(call).metered ? { ...noTokens, input: estimate.input } : noTokens
  return { estimate, atLeast: { tokens, serviceTier: null } }
}

type Terms = {
  readonly spend: Spend
  readonly worth: ReturnType<typeof worthOf>
  readonly throttles: readonly Throttle[]
}

/** As a gateway does: where one quota is used up, the next one's is asked; a limit of the caller's own is final. */
async function tryQuotas(
  served: Judged,
  call: SimulatedCall,
  { catalog, ledger, seen, terms }: Seeing & { readonly terms: Terms | null },
): Promise<void> {
  const tried = new Set<string | null>()
  let first: GatewayError | null = null
  for (const deployment of served.candidates) {
    const { quotaId } = deployment
    if (tried.has(quotaId)) continue
    tried.add(quotaId)
    const limits = catalog.limits.claims(call.key, served.alias.name, quotaId)
    const ask = askOf(limits, served, { terms, number: tried.size })
    await ledger.learn(ask.claims)
    seen.limits = limitsOf(ask, seen.limits, ledger)
    const verdict = ledger.reserve(ask)
    if (verdict.admitted) {
      seen.offers = inOrder(deployment, seen.offers).slice(0, ATTEMPTS_MAX)
      return
    }
    const owner = catalog.team(call.key.teamId)?.name
    const fault =
      (terms && budgetFault(verdict, { terms, owner, atMs: call.atMs })) ??
      limitRefusal(ask, verdict, { owner, headers: {}, jitter: 0 })
    first ??= fault
    if (ask.claims[verdict.failed]?.quotaId === null) throw fault
  }
  throw first ?? new GatewayError('no_healthy_deployment')
}

function askOf(
  limits: readonly Claim[],
  { estimate }: Judged,
  { terms, number }: { readonly terms: Terms | null; readonly number: number },
): Ask {
  const { input, output } = estimate
  const ask = { id: `simulated.${number}`, claims: limits, tokens: input + output, tokensAtLeast: input }
  if (terms === null) return ask
  const { worth, throttles } = terms
  const claims = [...worth.counted.map((it) => it.claim), ...throttles.map((it) => it.claim), ...limits]
  return { ...ask, claims, nanos: worth.nanos, nanosAtLeast: worth.nanosAtLeast }
}

/** Limits and paces, each once; budgets are told of by themselves. */
function limitsOf(
  ask: Ask,
  before: readonly SimulatedLimit[],
  ledger: SimulatedLedger,
): readonly SimulatedLimit[] {
  const known = new Set(before.map((it) => it.claim.bucket))
  const more = ask.claims.filter((it) => it.kind !== 'spend' && !known.has(it.bucket))
  return [
    ...before,
    ...more.map((claim) => ({ claim, asked: amountOf(claim, ask), state: ledger.stateOf(claim) })),
  ]
}

type Budgeted = { readonly terms: Terms; readonly owner: string | undefined; readonly atMs: number }

/** What a budget's refusal says; null when it was a limit that refused. */
function budgetFault(
  { failed, waitMs, states }: Refused,
  { terms, owner, atMs }: Budgeted,
): GatewayError | null {
  const { worth, throttles } = terms
  const budget = worth.counted[failed]
  if (budget !== undefined) {
    const state = states[failed]
    if (state === undefined || state.resetMs === UNKNOWN_MS) return uncounted(budget, waitMs)
    const spentNanos = budget.claim.limit - state.remaining
    return exhausted(budget, { owner, spentNanos, resetMs: budget.period.toMs - atMs, nanos: worth.nanos })
  }
  const throttle = throttles[failed - worth.counted.length]
  return throttle === undefined ? null : throttled(throttle.budget, throttle.claim, waitMs)
}

/** The offers with those first that draw on the quota that has room. */
function inOrder(first: ServingDeployment, offers: readonly Offer[]): Offer[] {
  const at = offers.findIndex((it) => it.deployment === first)
  return [...offers.slice(at), ...offers.slice(0, at)]
}

/** Where a budget blocks, in nanos; null where it only sums up. */
export function blocksAt({ claim }: OpenBudget): number | null {
  return claim.limit === UNBOUNDED ? null : claim.limit
}
