/**
 * Spend terms are the terms on which budgets let a call pass: which model serves, at which pace, and what the call is
 * worth. They follow from what the budgets have spent, as far as whoever asks has heard of it.
 */
import { type BudgetStep, stepAt } from './budget.ts'
import { priceUnknown } from './budget-refusal.ts'
import { type Catalog, priceOf, type ServingDeployment } from './catalog.ts'
import { type Cost, costCeiling, costOf, noCost } from './cost.ts'
import type { Estimate } from './estimate.ts'
import type { RateCard } from './rate-card.ts'
import { type Claim, UNBOUNDED } from './reservation.ts'
import { type OpenBudget, type Spend, throttleClaim } from './spend.ts'
import type { Usage } from './usage.ts'

export type Throttle = { readonly budget: OpenBudget; readonly claim: Claim }

/** What a budget has spent and holds, in nanos, as far as it is known. */
export type SpentOf = (budget: OpenBudget) => number

/** What a call is worth, and the budgets that can count it in that currency. */
export type Worth = {
  readonly currency: string | null
  readonly nanos: number
  readonly nanosAtLeast: number
  readonly counted: readonly OpenBudget[]
}

/** The model that is to serve in place of the one asked for; of several budgets the narrowest decides. */
export function downshiftOf(
  alias: string,
  {
    catalog,
    spend,
    spentOf,
  }: { readonly catalog: Catalog; readonly spend: Spend; readonly spentOf: SpentOf },
): string | null {
  for (const budget of spend.budgets) {
    const step = stepAt(budget.rule, 'downshift', spentOf(budget))
    if (step !== null && appliesTo(alias, catalog, step)) return step.model
  }
  return null
}

function appliesTo(
  alias: string,
  catalog: Catalog,
  step: Extract<BudgetStep, { action: 'downshift' }>,
): boolean {
  if (step.model === alias || catalog.alias(step.model) === undefined) return false
  return step.insteadOf === null || step.insteadOf.includes(alias)
}

/** The paces that budgets hold their calls to. */
export function throttlesOf(budgets: readonly OpenBudget[], spentOf: SpentOf): Throttle[] {
  return budgets.flatMap((budget) => {
    const step = stepAt(budget.rule, 'throttle', spentOf(budget))
    return step === null ? [] : [{ budget, claim: throttleClaim(budget, step) }]
  })
}

/** A candidate, and the most the call can cost there. */
export type Offer = {
  readonly deployment: ServingDeployment
  readonly card: RateCard | null
  readonly cost: Pick<Cost, 'costNanos' | 'costState' | 'currency'>
}

/** What a call is held to use. */
export type Held = {
  readonly estimate: Estimate
  /** Of the prompt alone: what is billed at least, in the service tier that was asked for. */
  readonly atLeast: Pick<Usage, 'tokens' | 'serviceTier'>
}

const unknown = { costNanos: null, costState: 'unknown', currency: null } as const

export function offersOf(
  candidates: readonly ServingDeployment[],
  { estimate, atLeast }: Held,
  nowMs: number,
): Offer[] {
  return candidates.map((deployment) => {
    const card = priceOf(deployment, nowMs)
    if (estimate.input === 0 && estimate.output === 0) return { deployment, card, cost: noCost }
    const costNanos = costCeiling(card, estimate, atLeast.serviceTier)
    if (card === null || costNanos === null) return { deployment, card, cost: unknown }
    const costState = card.isFree ? 'free' : 'priced'
    return { deployment, card, cost: { costNanos, costState, currency: card.currency } }
  })
}

/** Under budgets that block, only what has a price in their currency may serve. @throws GatewayError `price_unknown` */
export function pricedOffers(alias: string, { budgets }: Spend, offers: readonly Offer[]): Offer[] {
  const hard = budgets.filter((it) => it.claim.limit !== UNBOUNDED)
  const isPriced = ({ cost: { costState, currency } }: Offer, { rule }: OpenBudget) =>
    costState === 'none' || costState === 'free' || currency === rule.currency
  const priced = offers.filter((it) => hard.every((budget) => isPriced(it, budget)))
  if (priced.length > 0) return priced
  throw priceUnknown(alias, hard.find((budget) => offers.every((it) => !isPriced(it, budget))) ?? hard[0])
}

/** By the dearest of the candidates, in the currency of the first that has a price. */
export function worthOf({ budgets }: Spend, offers: readonly Offer[], { atLeast }: Held): Worth {
  const first = offers.find((it) => it.cost.costState === 'priced')
  if (first === undefined && offers.every((it) => it.cost.costState !== 'unknown')) {
    return { currency: null, nanos: 0, nanosAtLeast: 0, counted: budgets }
  }
  const currency = first?.cost.currency ?? null
  const dearest = offers.reduce(
    (most, { cost }) => (cost.currency === currency ? Math.max(most, cost.costNanos ?? 0) : most),
    0,
  )
  const { tokens, serviceTier } = atLeast
  const nanosAtLeast = costOf(tokens, (first ?? offers[0])?.card ?? null, null, serviceTier).costNanos ?? 0
  const counted = budgets.filter((it) => it.rule.currency === currency)
  return { currency, nanos: dearest, nanosAtLeast, counted }
}
