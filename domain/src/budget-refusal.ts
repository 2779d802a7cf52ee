/**
 * A budget refusal is what callers read when a budget refuses them: whose budget it is, how much it holds, what is spent, and when it
 * begins anew. Money is written as people write it; the figures beside it are nanos.
 */
import { GatewayError } from './gateway-error.ts'
import type { Claim } from './reservation.ts'
import type { OpenBudget } from './spend.ts'

const NANOS_PER_CENT = 10_000_000
const UNCOUNTED_RETRY_MS = 5_000
/** Up to this share is added to a wait, so that callers refused together do not come back together. */
const JITTER = 0.2
const STATE_HEADER = 'x-headgate-budget-state'

type Figures = {
  /** The caller's team, whom to ask for more. */
  readonly owner: string | undefined
  readonly spentNanos: number
  /** What the call would have held. */
  readonly nanos: number
  /** How long until the budget begins anew. */
  readonly resetMs: number
}

export function exhausted(budget: OpenBudget, { owner, spentNanos, nanos, resetMs }: Figures): GatewayError {
  const { rule, claim, period, raise } = budget
  const money = (it: number) => `${moneyText(it)} ${rule.currency}`
  const ends =
    rule.period.kind === 'span'
      ? 'It does not begin anew.'
      : `It begins anew at ${new Date(period.toMs).toISOString()}.`
  // Whoever wonders at a figure that is not the budget's own is told, also when they read the refusal later.
  const raised =
    raise.nanos === 0
      ? ''
      : ` An override adds ${money(raise.nanos)} to its amount until ${new Date(raise.toMs).toISOString()}.`
  return new GatewayError('budget_exhausted', {
    public: `${nameOf(budget)} is spent: ${money(spentNanos)} of ${money(claim.limit)} are used or held, this call may cost ${money(nanos)}. ${ends}${raised}`,
    ...shared(budget, 'exhausted'),
    ...{ limit: claim.limit, used: spentNanos, requested: nanos, unit: `nanos of ${rule.currency}` },
    ...(rule.period.kind !== 'span' && { retryAfterMs: Math.max(1, resetMs) }),
    ...(owner !== undefined && { owner }),
  })
}

export function throttled(budget: OpenBudget, claim: Claim, waitMs: number | null): GatewayError {
  const retryAfterMs = (waitMs ?? claim.windowMs) * (1 + Math.random() * JITTER)
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000))
  return new GatewayError('budget_throttled', {
    public: `${nameOf(budget)} is nearly spent, so its calls are held to ${claim.limit} a minute. Retry in about ${seconds} s.`,
    ...shared(budget, 'throttled'),
    ...{ limit: claim.limit, unit: 'requests/min', retryAfterMs },
  })
}

/** The ledger lost what was spent, or cannot be asked. */
export function uncounted(budget: OpenBudget, waitMs: number | null): GatewayError {
  return new GatewayError('limiter_unavailable', {
    public: `What ${nameOf(budget)} has spent is not known right now, so nothing may pass it. Retry in a few seconds.`,
    ...shared(budget, 'unknown'),
    retryAfterMs: waitMs ?? UNCOUNTED_RETRY_MS,
  })
}

export function priceUnknown(alias: string, budget: OpenBudget | undefined): GatewayError {
  const model = `The model "${alias}"`
  if (budget === undefined) return new GatewayError('price_unknown', { param: 'model' })
  return new GatewayError('price_unknown', {
    public: `${model} has no price in ${budget.rule.currency}, so ${nameOf(budget)} cannot let it pass. Ask for its price to be set, or take another model.`,
    param: 'model',
    ...shared(budget, 'unpriced'),
  })
}

function shared({ rule, claim }: OpenBudget, state: string) {
  return {
    scope: claim.scope,
    budget: { id: rule.id, name: rule.name },
    headers: { [STATE_HEADER]: state },
  }
}

/** A key, user, app or team of the caller's own, so its name may be told. */
function nameOf({ rule, claim }: OpenBudget): string {
  return `budget "${rule.name}" of ${claim.scope.kind} "${claim.scope.name}"`.replace(/^b/, 'B')
}

/** To the cent, rounded up: what is not there must not look as if it were. */
function moneyText(nanos: number): string {
  const cents = Math.ceil(nanos / NANOS_PER_CENT)
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}
