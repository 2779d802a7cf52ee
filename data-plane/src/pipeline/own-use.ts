/**
 * What a key may use and what is left of it now. Limits and budgets in force come from the catalog, what is left from
 * the ledger, which is looked at and not taken from. Where the ledger cannot be asked, the rest is still told.
 */
import { budgetStateAt } from '@headgate/domain/budget'
import { nanosText } from '@headgate/domain/cost'
import { toGatewayError } from '@headgate/domain/gateway-error'
import { type PoolState, UNKNOWN_MS } from '@headgate/domain/reservation'
import type { OpenBudget } from '@headgate/domain/spend'
import { offeredModels } from '../endpoints/models.ts'
import type { AuthorizedLocally } from './call.ts'
import type { Gateway } from './gateway.ts'

const LOOK_DEADLINE_MS = 500

/** Never throws for a ledger that is away: figures that only it knows are null then, and `live` is false. */
export async function ownUse(
  { caller, catalog, request }: AuthorizedLocally,
  gateway: Gateway,
): Promise<unknown> {
  const { key } = caller
  const limits = catalog.limits.of(key)
  const budgets = catalog.budgets.of(key, request.arrivedWallMs)?.budgets ?? []
  const states = await look(
    [...limits, ...budgets].map((it) => it.claim),
    gateway,
  )
  const stateOf = (index: number) => states?.[index] ?? null
  return {
    object: 'headgate.me',
    as_of: new Date(request.arrivedWallMs).toISOString(),
    /** False when what is left could not be looked up. */
    live: states !== null,
    key: {
      id: key.id,
      name: key.name,
      expires_at: isoOrNull(key.expiresAtMs),
      rotation: key.rotation && {
        is_old_secret: key.rotation.isOld,
        until: new Date(key.rotation.untilMs).toISOString(),
      },
    },
    team: { id: caller.teamId, name: catalog.team(caller.teamId)?.name ?? null },
    app: { id: caller.appId, name: catalog.app(caller.appId)?.name ?? null },
    user_id: caller.userId,
    models: offeredModels(catalog.standing(key).enforced, catalog).map((it) => it.name),
    limits: limits.map(({ measure, rule, claim }, index) => ({
      id: rule?.id ?? null,
      scope: claim.scope,
      measure,
      /** What it counts: calls for one model, or at one quota; null for all. */
      model: rule?.model ?? null,
      quota_id: rule?.quotaId ?? null,
      limit: claim.limit,
      remaining: stateOf(index)?.remaining ?? null,
      resets_in_ms: stateOf(index)?.resetMs ?? null,
    })),
    budgets: budgets.map((it, index) => budgetOf(it, stateOf(limits.length + index))),
  }
}

function budgetOf({ rule, period, raise, claim }: OpenBudget, state: PoolState | null) {
  const isKnown = state !== null && state.resetMs !== UNKNOWN_MS
  const usedNanos = isKnown ? Math.max(0, claim.limit - state.remaining) : null
  return {
    id: rule.id,
    name: rule.name,
    scope: claim.scope,
    currency: rule.currency,
    amount: nanosText(rule.amountNanos),
    amount_nanos: rule.amountNanos,
    /** What of the amount is there for a time only, and until when that stays so; null where nothing is. */
    override:
      raise.nanos === 0
        ? null
        : { amount: nanosText(raise.nanos), amount_nanos: raise.nanos, until: isoOrNull(raise.toMs) },
    /** Spent, and held by calls under way. */
    used: usedNanos === null ? null : nanosText(usedNanos),
    used_nanos: usedNanos,
    state: usedNanos === null ? 'unknown' : budgetStateAt(rule, usedNanos),
    period: { from: isoOrNull(period.fromMs), to: isoOrNull(period.toMs) },
  }
}

async function look(
  pools: readonly OpenBudget['claim'][],
  { ledger }: Gateway,
): Promise<readonly PoolState[] | null> {
  if (pools.length === 0) return []
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LOOK_DEADLINE_MS)
  })
  // Without teams: then nobody's calls under way are gone through, however many there are.
  const looked = ledger.look(pools).catch((fault: unknown) => {
    if (toGatewayError(fault).code === 'limiter_unavailable') return null
    throw fault
  })
  try {
    return await Promise.race([looked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A period may have no end. */
function isoOrNull(ms: number | null): string | null {
  return ms !== null && Number.isFinite(ms) ? new Date(ms).toISOString() : null
}
