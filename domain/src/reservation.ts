/**
 * A reservation is what a call holds until it is settled: all its claims, taken at once or not at all. It has
 * an id, a lease and exactly one end: settled, given back, or, when nobody comes, ended by the ledger with
 * what was last known of it.
 */
import type { DeniedScope } from './gateway-error.ts'

/**
 * How units are counted: `bucket.ts`, `window.ts`, how many are held now, or what was ever spent. A pool that is
 * spent belongs to one period of a budget and is never full again.
 */
export type ClaimKind = 'bucket' | 'window' | 'concurrent' | 'spend'

export type ClaimUnit = 'requests' | 'tokens' | 'calls' | 'nanos'

/**
 * The limit of a pool that is only summed up and refuses nobody. A little less than the largest exact integer:
 * clients of Redis that read digits one by one are off by one close to that.
 */
export const UNBOUNDED = 9_000_000_000_000_000

/** Where units are taken from. */
export type Pool = {
  /** Its name in the store; the part in braces keeps what is judged together in one slot of a cluster. */
  readonly bucket: string
  readonly kind: ClaimKind
  /** Units per window, or at once; 0 denies. */
  readonly limit: number
  /** 0 where units are counted as long as they are held; of a budget, how long its period is. */
  readonly windowMs: number
}

/** What a call asks of one limit. Made when the catalog is opened and shared by all calls it applies to. */
export type Claim = Pool & {
  readonly scope: DeniedScope
  readonly unit: ClaimUnit
  /** The quota this claim is bound to: given back when another quota serves the call. Null: always charged. */
  readonly quotaId: string | null
  /** Where to take from when this pool is used up: elsewhere, from nowhere (it borrows), or null: refuse. */
  readonly instead: Pool | 'nothing' | null
  /** What holds while a gateway has to judge alone: nobody passes, or everybody; left out, its part of the limit. */
  readonly onOutage?: 'closed' | 'open'
}

export type Ask = {
  /** Known to nobody else. While it is held, asking again takes nothing; a refusal is not remembered. */
  readonly id: string
  readonly claims: readonly Claim[]
  /** The estimate for the whole call, input and output together. */
  readonly tokens: number
  /** What is charged when nobody settles: the provider bills a call whose gateway died. */
  readonly tokensAtLeast: number
  /** The same in money, where a budget is among the claims: the estimate, and what is charged when nobody settles. */
  readonly nanos?: number
  readonly nanosAtLeast?: number
}

/**
 * What is left in a pool now, and how long until it is whole again. Of a budget: below zero by what was spent
 * beyond it, and `UNKNOWN_MS` while nobody knows what was spent.
 */
export type PoolState = { readonly remaining: number; readonly resetMs: number }

/** In place of a time: the store lost what was spent, and it is not counted anew yet. */
export const UNKNOWN_MS = -1

/** The same for whoever looks: `held` is the part of what is used that calls under way hold. */
export type LivePool = PoolState & { readonly held: number }

export type Verdict =
  /** The states are those of the claims, in their order. */
  | { readonly admitted: true; readonly states: readonly PoolState[] }
  | {
      readonly admitted: false
      /** Which claim failed first, and the longest wait of all that failed; null when waiting is no use. */
      readonly failed: number
      readonly waitMs: number | null
      readonly states: readonly PoolState[]
    }

export type Refused = Extract<Verdict, { readonly admitted: false }>

/** Units of a pool that were used, or are to be added to it. */
export type PoolUse = { readonly pool: Pool; readonly amount: number }

/** What became of a call, for whoever keeps the books. */
export type Used = {
  /** False when nothing ever left for a provider: then everything comes back. */
  readonly sent: boolean
  readonly tokens: number
  /** What it cost, where budgets count it. */
  readonly nanos?: number
  /** The quota of the deployment that served; claims on another quota come back. */
  readonly quotaId: string | null
}

/** Nothing left for a provider. */
export const unsent: Used = Object.freeze({ sent: false, tokens: 0, quotaId: null })

/** Units of a claim that a call asks for. */
export function amountOf({ unit }: Pick<Claim, 'unit'>, asked: Pick<Ask, 'tokens' | 'nanos'>): number {
  if (unit === 'nanos') return asked.nanos ?? 0
  return unit === 'tokens' ? asked.tokens : 1
}

/** Units of a claim that remain charged once a call has ended. */
export function chargedOf(claim: Pick<Claim, 'kind' | 'unit' | 'quotaId'>, used: Used): number {
  if (!used.sent || claim.kind === 'concurrent') return 0
  if (claim.quotaId !== null && claim.quotaId !== used.quotaId) return 0
  if (claim.unit === 'nanos') return used.nanos ?? 0
  return claim.unit === 'tokens' ? used.tokens : 1
}

/** The hash tag of a pool, braces and all: what is judged in one step in a cluster, and forgotten together. */
export function tagOf(bucket: string): string {
  const open = bucket.indexOf('{')
  const close = bucket.indexOf('}', open)
  return open >= 0 && close > open + 1 ? bucket.slice(open, close + 1) : `{${bucket}}`
}
