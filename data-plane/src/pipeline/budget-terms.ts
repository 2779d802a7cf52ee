/**
 * The terms on which budgets let a call pass: what it is worth, at which pace, and which model serves. They follow
 * from what was last heard of the budgets; the ledger's verdict says whether they still hold.
 */
import { type BudgetState, type BudgetStep, isWarning, stepAt, worseOf } from '@headgate/domain/budget'
import { priceOf, type ServingDeployment } from '@headgate/domain/catalog'
import { type Cost, costCeiling, costOf, noCost } from '@headgate/domain/cost'
import type { GatewayError } from '@headgate/domain/gateway-error'
import type { RateCard } from '@headgate/domain/rate-card'
import { type Ask, type Claim, UNBOUNDED, UNKNOWN_MS, type Verdict } from '@headgate/domain/reservation'
import { type OpenBudget, type Spend, throttleClaim } from '@headgate/domain/spend'
import { authorize } from './authorize.ts'
import { exhausted, priceUnknown, throttled, uncounted } from './budget-refusals.ts'
import type { Authorized, BudgetTerms, Candidates } from './call.ts'
import type { Gateway } from './gateway.ts'
import { resolveRoute } from './resolve-route.ts'
import { estimatedUsage } from './settle.ts'

export type Refused = Extract<Verdict, { admitted: false }>

type Throttle = { readonly budget: OpenBudget; readonly claim: Claim }

type Around = {
  readonly gateway: Gateway
  /** Which time this call is held, from 1. */
  readonly round: number
}

/** What a call is worth, and the budgets that can count it in that currency. */
type Worth = {
  readonly currency: string | null
  readonly nanos: number
  readonly nanosAtLeast: number
  readonly counted: readonly OpenBudget[]
}

/** @throws GatewayError `price_unknown`, and what a policy says of the model to downshift to */
export function termsOf(asked: Authorized, spend: Spend, around: Around): Terms {
  const model = downshiftOf(asked, spend, around.gateway)
  const served = model === null ? asked : authorize(resolveRoute({ ...asked, model }, around.gateway))
  const nowMs = around.gateway.clock.nowMs()
  const offers = pricedOffers(served, spend, offersOf(served, nowMs))
  const call = { ...served, candidates: offers.map((it) => it.deployment) as [...Candidates] }
  const worth = worthOf(call, spend, offers)
  const throttles = throttlesOf(worth.counted, around.gateway)
  return new Terms({ asked, call, model, spend, worth, throttles, ...around })
}

type TermsParts = Around & {
  readonly asked: Authorized
  readonly call: Authorized
  /** The model a budget has serve in place of the one asked for. */
  readonly model: string | null
  readonly spend: Spend
  readonly worth: Worth
  readonly throttles: readonly Throttle[]
}

export class Terms {
  readonly #it: TermsParts

  constructor(parts: TermsParts) {
    this.#it = parts
  }

  /** The call as it is to be served. */
  get call(): Authorized {
    return this.#it.call
  }

  /** The claims of the budgets, of the paces they set, and of limits, in this order. */
  claimsWith(limits: readonly Claim[]): readonly Claim[] {
    const { spend, worth, throttles } = this.#it
    if (throttles.length === 0 && worth.counted.length === spend.budgets.length)
      return spend.claimsWith(limits)
    return [...worth.counted.map((it) => it.claim), ...throttles.map((it) => it.claim), ...limits]
  }

  /** The ask with its worth; under an id of its own each time the call is held anew. */
  paid(ask: Ask): Ask {
    const { worth, round } = this.#it
    const { nanos, nanosAtLeast } = worth
    return { ...ask, id: round === 1 ? ask.id : `${ask.id}.r${round}`, nanos, nanosAtLeast }
  }

  /** Notes what the ledger says of the budgets. */
  heard({ admitted, states }: Verdict): BudgetTerms {
    const { worth, throttles, spend, model, asked, gateway } = this.#it
    let state: BudgetState = worth.counted.length < spend.budgets.length ? 'unpriced' : 'ok'
    for (const [i, budget] of worth.counted.entries()) {
      const seen = states[i]
      if (seen === undefined) continue
      gateway.seenSpend.note(budget, seen, admitted ? worth.nanos : 0)
      if (seen.resetMs === UNKNOWN_MS) state = worseOf(state, 'unknown')
      if (isWarning(budget.rule, gateway.seenSpend.of(budget))) state = worseOf(state, 'warning')
    }
    if (model !== null) state = worseOf(state, 'downshifted')
    if (throttles.length > 0) state = worseOf(state, 'throttled')
    return { currency: worth.currency, state, downshiftedFrom: model === null ? null : asked.alias.name }
  }

  /** True when what is known by now would make the same terms. */
  stillHold(): boolean {
    const { asked, spend, worth, model, throttles, gateway } = this.#it
    if (downshiftOf(asked, spend, gateway) !== model) return false
    const wanted = throttlesOf(worth.counted, gateway)
    return (
      wanted.length === throttles.length &&
      wanted.every(({ claim }, i) => {
        const had = throttles[i]?.claim
        return had?.bucket === claim.bucket && had.limit === claim.limit
      })
    )
  }

  /** What a budget's refusal says; null when it was a limit that refused. */
  refusal(verdict: Refused): GatewayError | null {
    const { worth, throttles, gateway, call } = this.#it
    const { failed, waitMs } = verdict
    const budget = worth.counted[failed]
    if (budget !== undefined) {
      const state = verdict.states[failed]
      if (state === undefined || state.resetMs === UNKNOWN_MS) return uncounted(budget, waitMs)
      const spentNanos = budget.claim.limit - state.remaining
      const resetMs = budget.period.toMs - gateway.clock.nowMs()
      return exhausted(budget, { call, spentNanos, resetMs, nanos: worth.nanos })
    }
    const throttle = throttles[failed - worth.counted.length]
    return throttle === undefined ? null : throttled(throttle.budget, throttle.claim, waitMs)
  }
}

/** The model that is to serve in place of the one asked for; of several budgets the narrowest decides. */
function downshiftOf(call: Authorized, { budgets }: Spend, { seenSpend }: Gateway): string | null {
  for (const budget of budgets) {
    const step = stepAt(budget.rule, 'downshift', seenSpend.of(budget))
    if (step !== null && appliesTo(call, step)) return step.model
  }
  return null
}

function appliesTo(
  { alias, catalog }: Authorized,
  step: Extract<BudgetStep, { action: 'downshift' }>,
): boolean {
  if (step.model === alias.name || catalog.alias(step.model) === undefined) return false
  return step.insteadOf === null || step.insteadOf.includes(alias.name)
}

function throttlesOf(budgets: readonly OpenBudget[], { seenSpend }: Gateway): Throttle[] {
  return budgets.flatMap((budget) => {
    const step = stepAt(budget.rule, 'throttle', seenSpend.of(budget))
    return step === null ? [] : [{ budget, claim: throttleClaim(budget, step) }]
  })
}

/** A candidate, and the most the call can cost there. */
type Offer = {
  readonly deployment: ServingDeployment
  readonly card: RateCard | null
  readonly cost: Pick<Cost, 'costNanos' | 'costState' | 'currency'>
}

const unknown = { costNanos: null, costState: 'unknown', currency: null } as const

function offersOf(call: Authorized, nowMs: number): Offer[] {
  const { input, output } = call.estimate
  const { serviceTier } = estimatedUsage(call, 0)
  return call.candidates.map((deployment) => {
    const card = priceOf(deployment, nowMs)
    if (input === 0 && output === 0) return { deployment, card, cost: noCost }
    const costNanos = costCeiling(card, call.estimate, serviceTier)
    if (card === null || costNanos === null) return { deployment, card, cost: unknown }
    const costState = card.isFree ? 'free' : 'priced'
    return { deployment, card, cost: { costNanos, costState, currency: card.currency } }
  })
}

/** Under budgets that block, only what has a price in their currency may serve. */
function pricedOffers(call: Authorized, { budgets }: Spend, offers: readonly Offer[]): Offer[] {
  const hard = budgets.filter((it) => it.claim.limit !== UNBOUNDED)
  const isPriced = ({ cost: { costState, currency } }: Offer, { rule }: OpenBudget) =>
    costState === 'none' || costState === 'free' || currency === rule.currency
  const priced = offers.filter((it) => hard.every((budget) => isPriced(it, budget)))
  if (priced.length > 0) return priced
  throw priceUnknown(call, hard.find((budget) => offers.every((it) => !isPriced(it, budget))) ?? hard[0])
}

/** By the dearest of the candidates, in the currency of the first that has a price. */
function worthOf(call: Authorized, { budgets }: Spend, offers: readonly Offer[]): Worth {
  const first = offers.find((it) => it.cost.costState === 'priced')
  if (first === undefined && offers.every((it) => it.cost.costState !== 'unknown')) {
    return { currency: null, nanos: 0, nanosAtLeast: 0, counted: budgets }
  }
  const currency = first?.cost.currency ?? null
  const dearest = offers.reduce(
    (most, { cost }) => (cost.currency === currency ? Math.max(most, cost.costNanos ?? 0) : most),
    0,
  )
  const { tokens, serviceTier } = estimatedUsage(call, 0)
  const nanosAtLeast = costOf(tokens, (first ?? offers[0])?.card ?? null, null, serviceTier).costNanos ?? 0
  const counted = budgets.filter((it) => it.rule.currency === currency)
  return { currency, nanos: dearest, nanosAtLeast, counted }
}
