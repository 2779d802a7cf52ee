/**
 * Keeps the ledger's sums of budgets true to the usage records. A ledger that has lost its memory (a flush, a new
 * server) lets nothing pass a hard budget until this job has told it what was spent; and what it counts otherwise
 * than the records say is corrected. One process at a time does it.
 */
import type { Budget } from '@headgate/domain/budget'
import { toGatewayError } from '@headgate/domain/gateway-error'
import { type Period, periodAt } from '@headgate/domain/period'
import type { Clock, Ledger, Log } from '@headgate/domain/ports'
import { type LivePool, type Pool, type PoolUse, UNBOUNDED, UNKNOWN_MS } from '@headgate/domain/reservation'
import type { Database } from '../database/open.ts'
import { judgeDrift, type Watched } from './budget-drift.ts'
import type { Job } from './scheduler.ts'

const EVERY_MS = 2_000
const LOCK = 4
/** Teams in one look: bounds how long one script call keeps the ledger. */
const TEAMS_PER_LOOK = 100

export type ReconcilePlan = {
  readonly db: Database
  readonly ledger: Pick<Ledger, 'look' | 'restore'>
  readonly clock: Pick<Clock, 'nowMs'>
  readonly log: Log
}

/** A budget in the period of now. */
type Current = { readonly budget: CurrentBudget; readonly pool: Pool; readonly recordedNanos: number }
type CurrentBudget = Pick<Budget, 'id' | 'teamId' | 'period' | 'timeZone'>
type Look = readonly [pools: readonly Pool[], teamIds: readonly string[]]
type TeamBudgets = { readonly teamId: string; readonly current: readonly Current[] }

/** The job. */
export function reconcileBudgets(plan: ReconcilePlan): Job {
  const periods = new Map<string, Period>()
  let watched = new Map<string, Watched>()
  return {
    name: 'reconcile-budgets',
    everyMs: EVERY_MS,
    lock: LOCK,
    run: async (signal) => {
      const teams = await readTeams(plan, periods)
      const next = new Map<string, Watched>()
      for (let at = 0; at < teams.length && !signal.aborted; at += TEAMS_PER_LOOK)
        await reconcile(plan, teams.slice(at, at + TEAMS_PER_LOOK), { watched, next })
      watched = next
    },
  }
}

type Memory = { readonly watched: ReadonlyMap<string, Watched>; readonly next: Map<string, Watched> }

async function reconcile(plan: ReconcilePlan, teams: readonly TeamBudgets[], memory: Memory): Promise<void> {
  const probes = teams.map(({ teamId }) => probeOf(teamId))
  const pools = teams.flatMap(({ current }) => current.map((it) => it.pool))
  const holders = teams.filter(({ current }) => current.length > 0).map(({ teamId }) => teamId)
  // What calls hold is asked for budgets alone: it costs a look at every call under way.
  const states = await looked(plan, [probes, []], [pools, holders])
  if (states === null) return
  const live = new Map(pools.map((pool, i) => [pool, states.live[i] as LivePool]))
  for (const [i, team] of teams.entries()) {
    const isLost = states.probes[i]?.resetMs === UNKNOWN_MS
    const additions = team.current.flatMap((it): PoolUse[] => {
      const amount = addition(plan, { it, state: live.get(it.pool) as LivePool, isLost, memory })
      return amount === 0 ? [] : [{ pool: it.pool, amount }]
    })
    if (isLost || additions.length > 0) await plan.ledger.restore(team.teamId, additions)
    if (isLost && team.current.length > 0)
      plan.log('info', 'told the ledger what budgets have spent', { teamId: team.teamId })
  }
}

type Judged = {
  readonly it: Current
  readonly state: LivePool
  readonly isLost: boolean
  readonly memory: Memory
}

/** What to add to what the ledger counts. */
function addition(plan: ReconcilePlan, { it, state, isLost, memory }: Judged): number {
  const { pool, budget, recordedNanos } = it
  const postedNanos = pool.limit - state.remaining - state.held
  if (isLost) return Math.max(0, recordedNanos - postedNanos)
  const look = { atMs: plan.clock.nowMs(), postedNanos, recordedNanos }
  const { watched, addNanos } = judgeDrift(memory.watched.get(pool.bucket), look)
  memory.next.set(pool.bucket, watched)
  if (addNanos !== 0)
    plan.log('warn', 'the ledger counted otherwise than the records of a budget; it was corrected', {
      ...{ budgetId: budget.id, bucket: pool.bucket, driftNanos: addNanos },
    })
  return addNanos
}

/** Null when the ledger is away: it will be asked again. */
async function looked(
  { ledger }: ReconcilePlan,
  ...[probes, pools]: readonly [Look, Look]
): Promise<{ readonly probes: readonly LivePool[]; readonly live: readonly LivePool[] } | null> {
  try {
    const seen = await ledger.look(...probes)
    return { probes: seen, live: pools[0].length === 0 ? [] : await ledger.look(...pools) }
  } catch (fault) {
    if (toGatewayError(fault).code !== 'limiter_unavailable') throw fault
    return null
  }
}

/** Tells whether the ledger remembers a team, also one without budgets: the first of them is not to wait. */
function probeOf(teamId: string): Pool {
  return { bucket: `{${teamId}}:probe`, kind: 'spend', limit: UNBOUNDED, windowMs: 0 }
}

async function readTeams({ db, clock }: ReconcilePlan, periods: Map<string, Period>): Promise<TeamBudgets[]> {
  const nowMs = clock.nowMs()
  const teams = await db.selectFrom('teams').select('id').orderBy('id').execute()
  const budgets = await db
    .selectFrom('budgets')
    .select(['id', 'teamId', 'period', 'timeZone'])
    .where('archivedAt', 'is', null)
    .execute()
  const spend = await db
    .selectFrom('budgetSpend')
    .select(['budgetId', 'periodFrom', 'spentNanos'])
    .where('periodTo', '>', new Date(nowMs).toISOString())
    .execute()
  const recorded = new Map(spend.map((it) => [`${it.budgetId} ${Date.parse(it.periodFrom)}`, it.spentNanos]))
  const current = budgets.flatMap((budget): Current[] => {
    const period = currentPeriod(budget, nowMs, periods)
    if (period === null) return []
    const bucket = `{${budget.teamId}}:${budget.id}:${period.name}`
    const pool: Pool = { bucket, kind: 'spend', limit: UNBOUNDED, windowMs: period.toMs - period.fromMs }
    return [{ budget, pool, recordedNanos: recorded.get(`${budget.id} ${period.fromMs}`) ?? 0 }]
  })
  const byTeam = Map.groupBy(current, (it) => it.budget.teamId)
  return teams.map(({ id }) => ({ teamId: id, current: byTeam.get(id) ?? [] }))
}

/** Finding a period asks the calendar, so it is remembered while it lasts. */
function currentPeriod(budget: CurrentBudget, nowMs: number, periods: Map<string, Period>): Period | null {
  const known = periods.get(budget.id)
  if (known !== undefined && known.fromMs <= nowMs && nowMs < known.toMs) return known
  const period = periodAt(budget.period, budget.timeZone, nowMs)
  if (period !== null) periods.set(budget.id, period)
  return period
}
