/**
 * The terms on which budgets let a call pass: what it is worth, at which pace, and which model serves. They follow
 * from what was last heard of the budgets; the ledger's verdict says whether they still hold.
 */
import { type BudgetState, isWarning, worseOf } from '@headgate/domain/budget'
import { exhausted, throttled, uncounted } from '@headgate/domain/budget-refusal'
import type { GatewayError } from '@headgate/domain/gateway-error'
import { type Ask, type Claim, type Refused, UNKNOWN_MS, type Verdict } from '@headgate/domain/reservation'
import type { OpenBudget, Spend } from '@headgate/domain/spend'
import {
  downshiftOf,
  offersOf,
  pricedOffers,
  type Throttle,
  throttlesOf,
  type Worth,
  worthOf,
} from '@headgate/domain/spend-terms'
import { authorize } from './authorize.ts'
import type { Authorized, BudgetTerms, Candidates } from './call.ts'
import type { Gateway } from './gateway.ts'
import { resolveRoute } from './resolve-route.ts'
import { estimatedUsage } from './settle.ts'

type Around = {
  readonly gateway: Gateway
  /** Which time this call is held, from 1. */
  readonly round: number
}

/** @throws GatewayError `price_unknown`, and what a policy says of the model to downshift to */
export function termsOf(asked: Authorized, spend: Spend, around: Around): Terms {
  const { seenSpend } = around.gateway
  const model = downshiftOf(asked.alias.name, known(asked, spend, around.gateway))
  const served = model === null ? asked : authorize(resolveRoute({ ...asked, model }, around.gateway))
  const nowMs = around.gateway.clock.nowMs()
  const held = { estimate: served.estimate, atLeast: estimatedUsage(served, 0) }
  const offers = pricedOffers(served.alias.name, spend, offersOf(served.candidates, held, nowMs))
  const call = { ...served, candidates: offers.map((it) => it.deployment) as [...Candidates] }
  const worth = worthOf(spend, offers, held)
  const throttles = throttlesOf(worth.counted, (budget) => seenSpend.of(budget))
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
    if (downshiftOf(asked.alias.name, known(asked, spend, gateway)) !== model) return false
    const wanted = throttlesOf(worth.counted, (it) => gateway.seenSpend.of(it))
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
      const owner = call.catalog.team(call.caller.teamId)?.name
      return exhausted(budget, { owner, spentNanos, resetMs, nanos: worth.nanos })
    }
    const throttle = throttles[failed - worth.counted.length]
    return throttle === undefined ? null : throttled(throttle.budget, throttle.claim, waitMs)
  }
}

function known({ catalog }: Authorized, spend: Spend, { seenSpend }: Gateway) {
  return { catalog, spend, spentOf: (budget: OpenBudget) => seenSpend.of(budget) }
}
