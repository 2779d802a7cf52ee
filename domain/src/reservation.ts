/**
 * A reservation is what a call holds until it is settled: all its claims, taken at once or not at all. It has
 * an id, a lease and exactly one end: settled, given back, or, when nobody comes, ended by the ledger with
 * what was last known of it.
 */
import type { DeniedScope } from './gateway-error.ts'

/** How units are counted: `bucket.ts`, `window.ts`, or simply how many are held now. */
export type ClaimKind = 'bucket' | 'window' | 'concurrent'

export type ClaimUnit = 'requests' | 'tokens' | 'calls'

/** Where units are taken from. */
export type Pool = {
  /** Its name in the store; the part in braces keeps what is judged together in one slot of a cluster. */
  readonly bucket: string
  readonly kind: ClaimKind
  /** Units per window, or at once; 0 denies. */
  readonly limit: number
  /** 0 where units are counted as long as they are held. */
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
}

export type Ask = {
  /** Known to nobody else. While it is held, asking again takes nothing; a refusal is not remembered. */
  readonly id: string
  readonly claims: readonly Claim[]
  /** The estimate for the whole call, input and output together. */
  readonly tokens: number
  /** What is charged when nobody settles: the provider bills a call whose gateway died. */
  readonly tokensAtLeast: number
}

/** What is left in a pool now, and how long until it is whole again. */
export type PoolState = { readonly remaining: number; readonly resetMs: number }

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

/** What became of a call, for whoever keeps the books. */
export type Used = {
  /** False when nothing ever left for a provider: then everything comes back. */
  readonly sent: boolean
  readonly tokens: number
  /** The quota of the deployment that served; claims on another quota come back. */
  readonly quotaId: string | null
}

/** Nothing left for a provider. */
export const unsent: Used = Object.freeze({ sent: false, tokens: 0, quotaId: null })

/** Units of a claim that a call of this many tokens asks for. */
export function amountOf(claim: Pick<Claim, 'unit'>, tokens: number): number {
  return claim.unit === 'tokens' ? tokens : 1
}

/** Units of a claim that remain charged once a call has ended. */
export function chargedOf(claim: Pick<Claim, 'kind' | 'unit' | 'quotaId'>, used: Used): number {
  if (!used.sent || claim.kind === 'concurrent') return 0
  if (claim.quotaId !== null && claim.quotaId !== used.quotaId) return 0
  return claim.unit === 'tokens' ? used.tokens : 1
}
