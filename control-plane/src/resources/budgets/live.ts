/** Budgets, live: what stands in the database joined with what the ledger holds at this moment, and where it leads. */
import type { LiveBudget } from '@headgate/admin-contract/budgets'
import { budgetStateAt } from '@headgate/domain/budget'
import { raiseAt } from '@headgate/domain/budget-override'
import { toGatewayError } from '@headgate/domain/gateway-error'
import { forecastNanos, type Period } from '@headgate/domain/period'
import { type LivePool, UNKNOWN_MS } from '@headgate/domain/reservation'
import { type OpenBudget, openBudget } from '@headgate/domain/spend'
import type { HandlerContext } from '../context.ts'
import { type BudgetFilter, readLiveBudgets, readSums } from './queries.ts'

/** More than anybody reads, and bounds what one look costs the ledger. */
const BUDGETS_MAX = 500

type Row = Awaited<ReturnType<typeof readLiveBudgets>>[number]
type Sum = Awaited<ReturnType<typeof readSums>>[number]
type Seen = {
  readonly row: Row
  readonly open: OpenBudget | null
  readonly pool: LivePool | null
  readonly sum: Sum | undefined
}

/** Newest first; without the ledger's figures when it cannot be asked. */
export async function readLive(filter: BudgetFilter, { db, ledger, nowMs, now }: HandlerContext) {
  const rows = await readLiveBudgets(db, filter, BUDGETS_MAX + 1)
  const shown = rows.slice(0, BUDGETS_MAX)
  const sums = await readSums(
    db,
    shown.map((row) => row.id),
    now,
  )
  const sumOf = new Map(sums.map((it) => [`${it.budgetId} ${Date.parse(it.periodFrom)}`, it]))
  const opened = shown.map((row) => openBudget(row, row.ownerName, nowMs))
  const pools = await looked(opened, ledger)
  const data = shown.map((row, i) => {
    const open = opened[i] ?? null
    const sum = open === null ? undefined : sumOf.get(`${row.id} ${open.period.fromMs}`)
    return liveOf({ row, open, pool: pools.get(open) ?? null, sum }, nowMs)
  })
  return { asOf: now, data, truncated: rows.length > BUDGETS_MAX }
}

async function looked(
  opened: readonly (OpenBudget | null)[],
  ledger: HandlerContext['ledger'],
): Promise<Map<OpenBudget | null, LivePool>> {
  const budgets = opened.filter((it) => it !== null)
  if (budgets.length === 0) return new Map()
  const teamIds = [...new Set(budgets.map((it) => it.rule.teamId))]
  try {
    const pools = budgets.map((it) => it.claim)
    const states = await ledger.look(pools, teamIds)
    return new Map(budgets.map((it, i) => [it, states[i] as LivePool]))
  } catch (fault) {
    if (toGatewayError(fault).code !== 'limiter_unavailable') throw fault
    return new Map()
  }
}

function liveOf({ row, open, pool, sum }: Seen, nowMs: number): LiveBudget {
  const recordedNanos = sum?.spentNanos ?? 0
  const { amountNanos, steps } = open?.rule ?? row
  const raise = open?.raise ?? raiseAt(row.overrides, nowMs)
  const isKnown = pool !== null && pool.resetMs !== UNKNOWN_MS
  const usedNanos = open !== null && isKnown ? Math.max(0, open.claim.limit - pool.remaining) : recordedNanos
  const heldNanos = isKnown ? Math.min(pool.held, usedNanos) : 0
  const spentNanos = usedNanos - heldNanos
  const forecast = open === null ? null : forecastNanos(spentNanos, open.period, nowMs)
  return {
    budgetId: row.id,
    ...{ ownerId: row.ownerId, ownerName: row.ownerName, name: row.name, currency: row.currency },
    amountNanos,
    ...{ overrideNanos: raise.nanos, overrideChangesAt: isoOrNull(raise.toMs) },
    period: open === null ? null : { from: iso(open.period.fromMs), to: iso(open.period.toMs) },
    state: open !== null && !isKnown ? 'unknown' : budgetStateAt({ amountNanos, steps }, usedNanos),
    now: isKnown ? { spentNanos, heldNanos, freeNanos: Math.max(0, amountNanos - usedNanos) } : null,
    recordedNanos,
    unpricedCalls: sum?.unpricedCalls ?? 0,
    usedPercent: Math.floor((usedNanos / amountNanos) * 1000) / 10,
    forecastNanos: forecast,
    runsOutAt: open === null ? null : runsOutAt(amountNanos, spentNanos, { period: open.period, nowMs }),
  }
}

/** At the pace of the period so far; null when the amount lasts, or is spent already. */
function runsOutAt(
  amountNanos: number,
  spentNanos: number,
  { period, nowMs }: { readonly period: Period; readonly nowMs: number },
): string | null {
  if (spentNanos === 0 || spentNanos >= amountNanos) return null
  const atMs = period.fromMs + (nowMs - period.fromMs) * (amountNanos / spentNanos)
  return atMs < period.toMs ? iso(Math.round(atMs)) : null
}

function isoOrNull(ms: number): string | null {
  return Number.isFinite(ms) ? iso(ms) : null
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
