/**
 * One gateway judging alone while Redis is away: on a share of every limit, so that all gateways together stay
 * below the whole, but for limits that say otherwise. It remembers what it let through, and where each call was
 * reserved, so that the call is settled there too, whoever judges by then.
 */
import { capacityOf } from '@headgate/domain/bucket'
import { GatewayError } from '@headgate/domain/gateway-error'
import type { Clock } from '@headgate/domain/ports'
import {
  type Ask,
  amountOf,
  type Claim,
  chargedOf,
  type Pool,
  type PoolState,
  type PoolUse,
  UNBOUNDED,
  type Used,
  type Verdict,
} from '@headgate/domain/reservation'
import { type MemoryLedger, memoryLedger } from '../memory/ledger.ts'
import { LocalSpend } from './local-spend.ts'
import { LocalUse } from './local-use.ts'

/** What a local bucket starts with, in time's worth of its limit: no burst on top of what Redis just granted. */
const START_WORTH_MS = 1_000
/** When a call is too large for a local share, waiting is of use all the same: Redis comes back. */
const TOO_LARGE_WAIT_MS = 5_000

export class LocalJudge {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #share: number
  readonly #asks = new WeakMap<Ask, { readonly scaled: Ask; readonly ledger: MemoryLedger }>()
  readonly #use = new LocalUse()
  readonly #spend: LocalSpend
  #ledger: MemoryLedger

  /** @param share of every limit, above 0 and at most 1 */
  constructor(clock: Pick<Clock, 'monotonicMs'>, share: number) {
    this.#clock = clock
    this.#share = share
    this.#spend = new LocalSpend(share)
    this.#ledger = freshLedger(clock)
  }

  /** Forgets what was used before; calls under way are settled where they were. */
  startAfresh(): void {
    this.#ledger = freshLedger(this.#clock)
  }

  /** Notes what the shared ledger says of the budgets of a call. */
  hear(ask: Ask, states: readonly PoolState[]): void {
    this.#spend.hear(ask, states)
  }

  /** @throws GatewayError `limiter_unavailable` where a limit lets nobody pass without Redis */
  async reserve(ask: Ask): Promise<Verdict> {
    refuseClosed(ask)
    return this.#spend.told(ask, await this.#reserve(ask))
  }

  async #reserve(ask: Ask): Promise<Verdict> {
    const closed = ask.claims.findIndex((claim) => this.#spend.isClosed(claim))
    const scaled = { ...ask, claims: ask.claims.map((claim) => this.#scaledClaim(claim)) }
    const ledger = this.#ledger
    if (closed >= 0) {
      const states = (await ledger.look(scaled.claims)) as readonly PoolState[]
      return { admitted: false, failed: closed, waitMs: TOO_LARGE_WAIT_MS, states }
    }
    const verdict = await ledger.reserve(scaled)
    if (verdict.admitted) {
      this.#asks.set(ask, { scaled, ledger })
      this.#noteUse(ask.claims.map((pool) => ({ pool, amount: amountOf(pool, ask) })))
      return withOpen(ask, verdict)
    }
    if (verdict.waitMs !== null) return verdict
    const hopeless = ask.claims.some((it) => it.limit === 0 || tooLarge(it, ask))
    return hopeless ? verdict : { ...verdict, waitMs: TOO_LARGE_WAIT_MS }
  }

  /**
   * Settles a call that was reserved here.
   * @returns by how much each pool was used less or more than held; null when it was not reserved here
   */
  settle(ask: Ask, used: Used): readonly PoolUse[] | null {
    const here = this.#asks.get(ask)
    if (here === undefined) return null
    this.#asks.delete(ask)
    here.ledger.settle(here.scaled, used)
    return ask.claims.map((claim) => ({
      pool: claim,
      amount: chargedOf(claim, used) - amountOf(claim, ask),
    }))
  }

  /** False when the call was not reserved here. */
  progress(ask: Ask, tokens: number, nanos?: number): boolean {
    const here = this.#asks.get(ask)
    here?.ledger.progress(here.scaled, tokens, nanos)
    return here !== undefined
  }

  /** Corrects what is remembered. */
  correctUse(corrections: readonly PoolUse[]): void {
    this.#noteUse(corrections)
  }

  /** What was let through and still counts, once. */
  takeUse(): PoolUse[] {
    return this.#use.take(this.#clock.monotonicMs())
  }

  #noteUse(uses: readonly PoolUse[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const { pool, amount } of uses) {
      this.#use.add(pool, amount, nowMs)
      if (pool.kind === 'spend') this.#spend.note(pool, amount)
    }
  }

  #scaledClaim(claim: Claim): Claim {
    if (claim.kind === 'spend') return this.#spend.standIn(claim)
    return isOpen(claim) ? { ...claim, limit: UNBOUNDED, instead: null } : scaledClaim(claim, this.#share)
  }
}

function freshLedger(clock: Pick<Clock, 'monotonicMs'>): MemoryLedger {
  return memoryLedger(clock, { firstTatMs: emptyButForASecond, spendIsKnown: true })
}

function refuseClosed({ claims }: Ask): void {
  const closed = claims.find((claim) => claim.onOutage === 'closed')
  if (closed === undefined) return
  const { kind, name } = closed.scope
  throw new GatewayError('limiter_unavailable', {
    public: `Limits cannot be judged for the moment, and the limit of ${kind} "${name}" lets nothing pass then. Retry soon.`,
    scope: closed.scope,
    retryAfterMs: TOO_LARGE_WAIT_MS,
  })
}

/** A limit that lets everybody pass without Redis. Zero denies all the same. */
function isOpen(claim: Claim): boolean {
  return claim.onOutage === 'open' && claim.limit > 0
}

/** What remains of an open limit is not known here; callers are told the whole of it. */
function withOpen({ claims }: Ask, verdict: Verdict): Verdict {
  if (!claims.some(isOpen)) return verdict
  const states = verdict.states.map((state, i) => {
    const claim = claims[i]
    return claim !== undefined && isOpen(claim) ? { remaining: claim.limit, resetMs: 0 } : state
  })
  return { ...verdict, states }
}

function tooLarge(claim: Claim, ask: Ask): boolean {
  return (
    !isOpen(claim) &&
    claim.kind !== 'concurrent' &&
    amountOf(claim, ask) > claim.limit &&
    claim.instead === null
  )
}

function scaledClaim(claim: Claim, share: number): Claim {
  const { instead } = claim
  const elsewhere = instead === null || instead === 'nothing' ? instead : scaledPool(instead, share)
  return { ...claim, limit: scaledLimit(claim.limit, share), instead: elsewhere }
}

function scaledPool(pool: Pool, share: number): Pool {
  return { ...pool, limit: scaledLimit(pool.limit, share) }
}

/** Nobody is denied by rounding: only an explicit zero denies. */
function scaledLimit(limit: number, share: number): number {
  return limit === 0 ? 0 : Math.max(1, Math.floor(limit * share))
}

/** A bucket that holds one second's worth of its limit, or one unit where that is more. */
function emptyButForASecond(pool: Pool, nowMs: number): number {
  if (pool.limit === 0) return nowMs
  const perUnitMs = pool.windowMs / pool.limit
  return nowMs + capacityOf(pool.limit) * perUnitMs - Math.max(START_WORTH_MS, perUnitMs)
}
