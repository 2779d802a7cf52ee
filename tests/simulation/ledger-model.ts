/**
 * The ledger's rule written a second time, from its description: what each reservation took and how it ended.
 * Every operation is carried out here as well and compared: the verdict, the wait, each pool it touched.
 */
import {
  type Ask,
  type Claim,
  type Pool,
  type Used,
  unsent,
  type Verdict,
} from '@headgate/domain/reservation'
import { type Book, type Done, promise, promiseSame } from './operation.ts'
import { NANOS_PER_TOKEN } from './plan.ts'
import { PoolModel } from './pool-model.ts'

const LEASE_MS = 60_000

type Taken = { readonly claim: Claim; readonly from: Pool }
export type OpenReservation = {
  readonly id: string
  readonly taken: readonly Taken[]
  leaseEndsAtMs: number
  tokensAtLeast: number
}
/** How a reservation ended. */
export type Ending = {
  readonly id: string
  readonly by: 'settled' | 'lease'
  readonly tokens: number
  readonly sent: boolean
  readonly quotaId: string | null
}

export class LedgerModel {
  readonly pools = new Map<string, PoolModel>()
  readonly open = new Map<string, OpenReservation>()
  readonly endings: Ending[] = []
  /** Given back before they came: they must not begin any more. Until when that is remembered. */
  readonly #neverToBegin = new Map<string, number>()

  /** What is not there was not spent. */
  #spendIsKnown = false

  constructor(pools: readonly Pool[]) {
    for (const pool of pools) this.pools.set(pool.bucket, new PoolModel(pool, () => this.#spendIsKnown))
  }

  /** @param book what to compare with; null while a history is only repeated. @throws Finding */
  apply({ operation, atMs, verdict }: Done, book: Book | null): void {
    if (operation.op === 'reserve') this.#reserve(operation.ask, verdict, atMs, book)
    else if (operation.op === 'settle') this.#settle(operation.id, operation.used, atMs, book)
    else if (operation.op === 'giveBack') this.#giveBack(operation.id, atMs, book)
    else if (operation.op === 'renew') this.#renew(operation.id, operation.tokensAtLeast, atMs)
    else if (operation.op === 'begin') this.#spendIsKnown = true
    else this.#reap(atMs)
    if (book === null) return
    promiseSame(book.openCount, this.open.size, `open reservations after ${operation.op}`)
    if (operation.op === 'reap') this.compare([...this.pools.keys()], atMs, book)
  }

  /** Compares pools with those of a ledger. @throws Finding */
  compare(buckets: readonly string[], nowMs: number, book: Book): void {
    for (const bucket of buckets) {
      const model = this.#model(bucket)
      const state = book.stateOf(model.pool, nowMs)
      promiseSame(state.remaining, model.remaining(nowMs), `what remains in ${bucket}`)
      promiseSame(state.resetMs, model.resetMs(nowMs), `the time until ${bucket} is whole`)
      promiseSame(book.heldOf(model.pool), model.held(), `what is held of ${bucket}`)
      if (model.pool.kind !== 'spend')
        promise(state.remaining >= 0 && state.resetMs >= 0, 'a count is negative', bucket, state)
    }
  }

  #reserve(ask: Ask, verdict: Verdict | null, nowMs: number, book: Book | null): void {
    if (verdict === null) throw new Error('a reservation without a verdict')
    const again = this.open.has(ask.id)
    if (again) promise(verdict.admitted, 'asked twice, answered in two ways', ask.id)
    else if (this.#neverToBegin.has(ask.id))
      promise(!verdict.admitted, 'began after it was given back', ask.id)
    else this.#judge(ask, verdict, nowMs)
    if (book === null) return
    this.compare(bucketsOf(ask.claims), nowMs, book)
    promiseSame(verdict.states.length, ask.claims.length, 'states in a verdict')
    for (const [i, { bucket }] of ask.claims.entries())
      promiseSame(
        verdict.states[i]!.remaining,
        this.#model(bucket).remaining(nowMs),
        `told to remain in ${bucket}`,
      )
  }

  #judge(ask: Ask, verdict: Verdict, nowMs: number): void {
    const judged = ask.claims.map((claim) => this.#judgeClaim(claim, unitsOf(claim, ask.tokens), nowMs))
    const failed = judged.findIndex((it) => it.waitMs !== 0)
    if (!verdict.admitted) {
      promiseSame(false, failed < 0, `whether ${ask.id} is admitted at ${nowMs}`)
      promiseSame(verdict.failed, failed, 'the claim that failed first')
      const waits = judged.map((it) => it.waitMs)
      const longest = waits.some((it) => it === null)
        ? null
        : Math.max(...waits.map((it) => Math.ceil(it ?? 0)))
      promiseSame(verdict.waitMs, longest, 'the wait')
      return
    }
    const taken: Taken[] = []
    for (const [i, claim] of ask.claims.entries()) {
      const { from } = judged[i]!
      if (from === null) continue
      const units = unitsOf(claim, ask.tokens)
      this.#model(from.bucket).take(ask.id, units, nowMs)
      this.#model(from.bucket).checkBound(units, nowMs)
      taken.push({ claim, from })
    }
    promiseSame(true, failed < 0, `whether ${ask.id} is admitted at ${nowMs}`)
    const { id, tokensAtLeast } = ask
    this.open.set(id, { id, taken, leaseEndsAtMs: nowMs + LEASE_MS, tokensAtLeast })
  }

  /** From where it would be taken; from nowhere when it borrows. */
  #judgeClaim(claim: Claim, units: number, nowMs: number): { waitMs: number | null; from: Pool | null } {
    const waitMs = this.#model(claim.bucket).waitMs(units, nowMs)
    const { instead } = claim
    if (waitMs === 0 || instead === null) return { waitMs, from: claim }
    if (instead === 'nothing') return { waitMs: claim.limit === 0 ? waitMs : 0, from: null }
    const waitThereMs = this.#model(instead.bucket).waitMs(units, nowMs)
    if (waitThereMs === 0) return { waitMs: 0, from: instead }
    const waits = [waitMs, waitThereMs].filter((it) => it !== null)
    return { waitMs: waits.length > 0 ? Math.min(...waits) : null, from: instead }
  }

  #settle(id: string, used: Used, nowMs: number, book: Book | null): void {
    const reservation = this.open.get(id)
    if (reservation === undefined) return
    for (const { claim, from } of reservation.taken) {
      const served = claim.quotaId === null || claim.quotaId === used.quotaId
      const counts = used.sent && served && claim.unit !== 'calls'
      this.#model(from.bucket).charge(id, counts ? unitsOf(claim, used.tokens) : 0, nowMs)
    }
    this.open.delete(id)
    this.endings.push({ ...used, id, by: 'settled' })
    if (book !== null) this.compare(bucketsOf(reservation.taken.map(({ claim }) => claim)), nowMs, book)
  }

  #giveBack(id: string, nowMs: number, book: Book | null): void {
    if (this.open.has(id)) this.#settle(id, unsent, nowMs, book)
    else this.#neverToBegin.set(id, nowMs + LEASE_MS)
  }

  #renew(id: string, tokensAtLeast: number, nowMs: number): void {
    const reservation = this.open.get(id)
    if (reservation === undefined) return
    reservation.leaseEndsAtMs = nowMs + LEASE_MS
    reservation.tokensAtLeast = Math.max(reservation.tokensAtLeast, tokensAtLeast)
  }

  #reap(nowMs: number): void {
    for (const [id, untilMs] of this.#neverToBegin) if (untilMs <= nowMs) this.#neverToBegin.delete(id)
    for (const { id, taken, tokensAtLeast } of this.#leasesOver(nowMs)) {
      for (const { claim, from } of taken)
        this.#model(from.bucket).charge(id, claim.unit === 'calls' ? 0 : unitsOf(claim, tokensAtLeast), nowMs)
      this.open.delete(id)
      this.endings.push({ id, by: 'lease', tokens: tokensAtLeast, sent: true, quotaId: null })
    }
  }

  /** The lease that ended first is ended first; of two that ended together, the lesser id. */
  #leasesOver(nowMs: number): OpenReservation[] {
    const over = [...this.open.values()].filter((it) => it.leaseEndsAtMs <= nowMs)
    return over.toSorted((a, b) => a.leaseEndsAtMs - b.leaseEndsAtMs || (a.id < b.id ? -1 : 1))
  }

  #model(bucket: string): PoolModel {
    const model = this.pools.get(bucket)
    if (model === undefined) throw new Error(`the plan has no pool ${bucket}`)
    return model
  }
}

function unitsOf(claim: Claim, tokens: number): number {
  if (claim.unit === 'nanos') return tokens * NANOS_PER_TOKEN
  return claim.unit === 'tokens' ? tokens : 1
}

function bucketsOf(claims: readonly Claim[]): string[] {
  return claims.flatMap(({ bucket, instead }) =>
    instead === null || instead === 'nothing' ? [bucket] : [bucket, instead.bucket],
  )
}
