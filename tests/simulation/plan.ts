/**
 * What a seed decides before anything happens: which faults there are, which limits, how many gateways and
 * which calls. A seed enables some faults only: what all of them together hide, a few of them show.
 */
import { type Claim, type Pool, UNBOUNDED } from '@headgate/domain/reservation'
import type { Random } from './random.ts'

export const faultNames = [
  ...['losesMessages', 'repeatsMessages', 'delaysMessages', 'reordersMessages', 'asksTwice'],
  ...['crashes', 'cutsOff', 'freezes', 'losesWrites', 'flushes', 'storeClockJumps', 'gatewayClocksDiffer'],
] as const
export type Fault = (typeof faultNames)[number]

export type Call = {
  readonly id: string
  readonly gateway: number
  readonly atMs: number
  readonly durationMs: number
  /** Of the request; billed however the call ends. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly estimate: number
  /** The first quota asked, and the one that serves when the first one's deployment fails. */
  readonly quotaId: string
  readonly movesTo: string | null
}

export type Plan = {
  readonly seed: number
  readonly faults: ReadonlySet<Fault>
  readonly gateways: number
  readonly calls: readonly Call[]
  /** What a call that draws on this quota asks for. */
  readonly claims: ReadonlyMap<string, readonly Claim[]>
  readonly pools: readonly Pool[]
  /** When the last call has come and whatever was under way is over. */
  readonly quietAtMs: number
}

const ARRIVALS_MS = 180_000
const LONGEST_CALL_MS = 110_000
/** What every token costs. */
export const NANOS_PER_TOKEN = 5
const QUOTAS = ['quo_a', 'quo_b'] as const

export function planOf(seed: number, random: Random): Plan {
  const eagerness = random.pick([0, 0.15, 0.3, 0.5, 0.7])
  const faults = new Set<Fault>(faultNames.filter(() => random.chance(eagerness)))
  const gateways = random.between(1, 5)
  const claims = claimsOf(random)
  const pools = new Map<string, Pool>()
  for (const claim of [...claims.values()].flat()) {
    pools.set(claim.bucket, claim)
    if (claim.instead !== null && claim.instead !== 'nothing') pools.set(claim.instead.bucket, claim.instead)
  }
  const calls = Array.from({ length: random.between(15, 120) }, (_, i) =>
    callOf(`req_${i}`, gateways, random),
  )
  const quietAtMs = ARRIVALS_MS + LONGEST_CALL_MS + 30_000
  return { seed, faults, gateways, calls, claims, pools: [...pools.values()], quietAtMs }
}

function callOf(id: string, gateways: number, random: Random): Call {
  const burst = random.chance(0.5)
  const atMs = burst
    ? random.between(1, 6) * 30_000 + random.between(-60, 60)
    : random.between(0, ARRIVALS_MS)
  const longestMs = random.pick([400, 8_000, LONGEST_CALL_MS, LONGEST_CALL_MS])
  const durationMs = random.between(1, longestMs)
  const inputTokens = random.between(1, 60)
  const outputTokens = random.between(0, 140)
  const estimate = inputTokens + random.pick([0, outputTokens, random.between(0, 140)])
  const quotaId = random.pick(QUOTAS)
  const movesTo = random.chance(0.2) ? (quotaId === 'quo_a' ? 'quo_b' : 'quo_a') : null
  const gateway = random.between(0, gateways - 1)
  return { id, gateway, atMs, durationMs, inputTokens, outputTokens, estimate, quotaId, movesTo }
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** Each divides a minute, so that a unit of a bucket is a whole number of milliseconds and nothing is rounded. */
const REQUESTS = [4, 10, 24, 120, 600, 1_200] as const
const TOKENS = [200, 600, 3_000, 12_000, 60_000] as const
/** In nanos; some are spent within the first calls. One short of a whole number of tokens, so that one too many shows. */
const BUDGETS = [99, 1_299, 3_999, 19_999, 999_999] as const
/** Never reached: such a pool is there to sum up what was charged in the end. */
const EVER = 10_000_000

type Kind = Pick<Claim, 'kind' | 'windowMs'>
const bucket: Kind = { kind: 'bucket', windowMs: MINUTE_MS }
const minute: Kind = { kind: 'window', windowMs: MINUTE_MS }
const day: Kind = { kind: 'window', windowMs: DAY_MS }
const month: Kind = { kind: 'spend', windowMs: 30 * DAY_MS }
const atOnce: Kind = { kind: 'concurrent', windowMs: 0 }

function claim(
  name: string,
  kind: Kind,
  unit: Claim['unit'],
  limit: number,
  rest: Partial<Claim> = {},
): Claim {
  const scope = { kind: 'team', name } as const
  return { bucket: `{team_t}:${name}`, ...kind, unit, limit, scope, quotaId: null, instead: null, ...rest }
}

/** A part of a tree of limits: sums of a day, then some of what limits can be made of. */
function claimsOf(random: Random): Map<string, readonly Claim[]> {
  const kind = () => random.pick([bucket, minute])
  const parts: (() => Claim[])[] = [
    () => [claim('requests', kind(), 'requests', random.pick(REQUESTS))],
    () => [claim('tokens', kind(), 'tokens', random.pick(TOKENS))],
    () => [claim('calls', atOnce, 'calls', random.between(1, 12))],
    () => [claim('budget', month, 'nanos', random.pick(BUDGETS))],
    () => treeWithGuarantee(kind(), random),
    () => treeWithBorrower(kind(), random),
  ]
  const chosen = parts.filter(() => random.chance(0.5)).flatMap((make) => make())
  const own = [
    claim('day:tokens', day, 'tokens', EVER),
    claim('day:requests', day, 'requests', EVER),
    claim('spend', month, 'nanos', UNBOUNDED),
    ...chosen,
  ]
  const quotas = QUOTAS.map((quotaId) => {
    const of = [
      claim(`${quotaId}:tokens`, minute, 'tokens', random.pick(TOKENS), { quotaId }),
      claim(`${quotaId}:requests`, minute, 'requests', random.pick(REQUESTS), { quotaId }),
      claim(`${quotaId}:day`, day, 'tokens', EVER, { quotaId }),
    ]
    return [quotaId, [...own, ...of.filter(() => random.chance(0.7))]] as const
  })
  return new Map(quotas)
}

/** The parent, and the pool kept free for one of its children, which takes from what is left for all after it. */
function treeWithGuarantee(kind: Kind, random: Random): Claim[] {
  const [unit, limits] = random.pick([['requests', REQUESTS] as const, ['tokens', TOKENS] as const])
  const limit = random.pick(limits)
  const kept = claim('parent:kept', kind, unit, limit / 2)
  const common: Pool = { ...kind, bucket: '{team_t}:parent:common', limit: limit / 2 }
  return [claim('parent', kind, unit, limit), { ...kept, instead: common }]
}

function treeWithBorrower(kind: Kind, random: Random): Claim[] {
  const limit = random.pick(REQUESTS)
  const share = random.chance(0.15) ? 0 : limit / 2
  const child = claim('lender:child', kind, 'requests', share, { instead: 'nothing' })
  return [child, claim('lender', kind, 'requests', limit)]
}
