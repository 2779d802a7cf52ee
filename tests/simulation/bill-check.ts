/**
 * Holds the ledger's history to the provider's bills: what is told of a call is true, what was served was
 * reserved, leases end only what had nobody left to end it, and what is charged in the end is what was used.
 */

import type { Ending, LedgerModel } from './ledger-model.ts'
import { type Done, promise, promiseSame } from './operation.ts'
import { type Fault, NANOS_PER_TOKEN, type Plan } from './plan.ts'
import type { Bill, Provider } from './provider.ts'

type Means = {
  readonly plan: Plan
  readonly provider: Provider
  /** The model as it is now: lost writes put another in its place. */
  readonly model: () => LedgerModel
  /** Since the beginning, without what the store's clock jumped. */
  readonly nowMs: () => number
}

/** With one of these a reservation may be left to its lease though its gateway does all it should. */
const LEAVES_TO_LEASE: readonly Fault[] = ['crashes', 'cutsOff', 'losesWrites', 'flushes', 'storeClockJumps']
const MAKES_NEWS_OLD: readonly Fault[] = [
  ...([
    'losesMessages',
    'repeatsMessages',
    'delaysMessages',
    'reordersMessages',
    'cutsOff',
    'freezes',
  ] as const),
]
/** A renewal tells what was used when it was sent. */
const NEWS_ARE_OLD_AFTER_MS = 1_000

export class BillCheck {
  readonly #means: Means
  readonly #admitted = new Set<string>()
  readonly #mayBeLeft: boolean
  readonly #newsAreFresh: boolean
  #endingsSeen = 0

  constructor(means: Means) {
    const { faults } = means.plan
    this.#means = means
    // A question that is asked again and overtaken by the end of its call is a new one to the ledger.
    const overtaken = faults.has('asksTwice') && faults.has('reordersMessages')
    this.#mayBeLeft = overtaken || LEAVES_TO_LEASE.some((it) => faults.has(it))
    this.#newsAreFresh = !MAKES_NEWS_OLD.some((it) => faults.has(it))
  }

  /** @throws Finding */
  applied({ operation, verdict }: Done): void {
    const { provider, nowMs, model } = this.#means
    if (operation.op === 'reserve' && verdict?.admitted) this.#admitted.add(operation.ask.id)
    if (operation.op === 'renew') {
      const bill = provider.billOf(callIdOf(operation.id))
      if (bill !== undefined) this.#checkNews(bill, operation.tokensAtLeast, nowMs())
    }
    const { endings } = model()
    for (; this.#endingsSeen < endings.length; this.#endingsSeen++)
      this.#checkEnding(endings[this.#endingsSeen]!)
  }

  lostWrites(): void {
    this.#endingsSeen = this.#means.model().endings.length
  }

  /** When all is over. @throws Finding */
  checkWhole(): void {
    const { provider, model, plan } = this.#means
    for (const { call } of provider.bills)
      promise(this.#admitted.has(call.id), 'served without a reservation', call.id)
    const { endings, pools } = model()
    const sums = { tokens: 0, requests: 0 }
    for (const ending of endings) {
      if (ending.id !== callIdOf(ending.id)) continue
      sums.tokens += this.#tokensOf(ending)
      sums.requests += ending.sent ? 1 : 0
    }
    for (const unit of ['tokens', 'requests'] as const)
      promiseSame(pools.get(`{team_t}:day:${unit}`)?.charged(), sums[unit], `${unit} charged in the end`)
    const spent = sums.tokens * NANOS_PER_TOKEN
    promiseSame(pools.get('{team_t}:spend')?.charged(), spent, 'money charged in the end')
    if (this.#mayBeLeft) return
    promiseSame(sums.tokens, this.#billed(), 'tokens charged of those billed')
    for (const quotaId of plan.claims.keys()) {
      const pool = pools.get(`{team_t}:${quotaId}:day`)
      if (pool !== undefined)
        promiseSame(pool.charged(), this.#billed(quotaId), `tokens charged to ${quotaId}`)
    }
  }

  /** Tokens of all bills, or of those of one quota. */
  #billed(quotaId?: string): number {
    let tokens = 0
    for (const bill of this.#means.provider.bills)
      if (quotaId === undefined || bill.quotaId === quotaId) tokens += wholeOf(bill)
    return tokens
  }

  #checkNews(bill: Bill, tokens: number, nowMs: number): void {
    const { provider } = this.#means
    promise(tokens <= provider.tokensAt(bill.call, nowMs), 'a renewal tells more than was used', bill.call.id)
    if (!this.#newsAreFresh || bill.endedAtMs !== null) return
    const before = provider.tokensAt(bill.call, Math.max(bill.beganAtMs, nowMs - NEWS_ARE_OLD_AFTER_MS))
    promise(tokens >= before, 'a renewal tells less than was used', bill.call.id, tokens, before)
  }

  #checkEnding({ id, by, sent, tokens, quotaId }: Ending): void {
    if (by === 'lease') {
      promise(this.#mayBeLeft, 'a lease ended what somebody held', id)
      return
    }
    const bill = this.#means.provider.billOf(callIdOf(id))
    promiseSame(sent, bill !== undefined, `whether ${id} was sent`)
    if (bill === undefined) return
    promise(bill.endedAtMs !== null, 'settled before its end', id)
    promiseSame(tokens, wholeOf(bill), `the tokens of ${id}`)
    promiseSame(quotaId, bill.quotaId, `the quota that served ${id}`)
  }

  /** What an ending should have charged, by the bill. */
  #tokensOf({ id, by, sent, tokens }: Ending): number {
    const { provider } = this.#means
    const bill = provider.billOf(id)
    if (by === 'settled') return sent && bill !== undefined ? wholeOf(bill) : 0
    const most = bill === undefined ? tokens : provider.tokensAt(bill.call, this.#means.nowMs())
    promise(tokens <= most, 'the lease charged more than was used', id, tokens, most)
    return tokens
  }
}

function wholeOf({ call }: Bill): number {
  return call.inputTokens + call.outputTokens
}

/** A call's second reservation is named after its first. */
function callIdOf(id: string): string {
  const dot = id.indexOf('.')
  return dot < 0 ? id : id.slice(0, dot)
}
