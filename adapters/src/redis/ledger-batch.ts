/**
 * A batch is what several calls ask of the ledger, laid out flat for one call of ledger.lua. A spec is a pool
 * with its limit, a book is where one owner's open reservations stand: each is named once per batch, then
 * pointed at by number.
 */
import { LEASE_MS } from '@headgate/domain/ledger'
import {
  type Ask,
  type Claim,
  type Pool,
  type PoolState,
  tagOf,
  type Used,
  type Verdict,
} from '@headgate/domain/reservation'

const KINDS = { bucket: '0', window: '1', concurrent: '2', spend: '3' } as const

export class LedgerBatch {
  readonly #prefix: string
  readonly #leaseMs: number
  readonly #specKeys: string[] = []
  readonly #specNumbers: (number | string)[] = []
  readonly #specOf = new Map<string, number>()
  readonly #bookKeys: string[] = []
  readonly #bookOf = new Map<string, number>()
  /** Words, each with a space before it: one argument costs a fraction of what many do. */
  #ops = ''

  /** @param prefix what all keys begin with */
  constructor(prefix: string, leaseMs = LEASE_MS) {
    this.#prefix = prefix
    this.#leaseMs = leaseMs
  }

  reserve(ask: Ask): void {
    const { claims, id, tokens, tokensAtLeast } = ask
    const book = this.#book(bookOf(claims))
    let ops = ` R ${book} ${id} ${tokens} ${tokensAtLeast} ${this.#leaseMs} ${claims.length}`
    for (const claim of claims) {
      const { unit, quotaId } = claim
      if (unit === 'nanos') ops += ` ${this.#spec(claim)} 2 ${ask.nanosAtLeast ?? 0} ${ask.nanos ?? 0}`
      else
        ops += ` ${this.#spec(claim)} ${unit === 'tokens' ? 1 : 0} ${this.#instead(claim)} ${quotaId ?? '-'}`
    }
    this.#ops += ops
  }

  settle(book: string, id: string, used: Used): void {
    const { sent, tokens, quotaId, nanos } = used
    const what = `${this.#book(book)} ${id} ${sent ? 1 : 0} ${tokens} ${quotaId ?? '-'}`
    this.#ops += nanos === undefined ? ` S ${what}` : ` P ${what} ${nanos}`
  }

  giveBack(book: string, id: string): void {
    this.#ops += ` G ${this.#book(book)} ${id} ${this.#leaseMs}`
  }

  renew(book: string, id: string, tokensAtLeast: number, nanosAtLeast = 0): void {
    this.#ops += ` N ${this.#book(book)} ${id} ${tokensAtLeast} ${this.#leaseMs} ${nanosAtLeast}`
  }

  reap(book: string): void {
    this.#ops += ` X ${this.#book(book)}`
  }

  /** @param id charges once, however often it is sent within a lease */
  charge(pool: Pool, amount: number, id: string): void {
    const book = this.#book(tagOf(pool.bucket))
    this.#ops += ` C ${book} ${id} ${this.#leaseMs} ${this.#spec(pool)} ${amount}`
  }

  /** Says that what budgets of this book have spent is known from now on. */
  begin(book: string): void {
    this.#ops += ` B ${this.#book(book)}`
  }

  look(pool: Pool): void {
    this.#ops += ` V ${this.#spec(pool)}`
  }

  /** @param books where the reservations of the pool may stand */
  lookHeld(pool: Pool, books: readonly string[]): void {
    const numbers = books.map((book) => ` ${this.#book(book)}`).join('')
    this.#ops += ` H ${this.#spec(pool)} ${books.length}${numbers}`
  }

  /** Keys and arguments of ledger.lua. */
  toCall(): { keys: string[]; args: string[] } {
    const specs = this.#specNumbers.map((word) => ` ${word}`).join('')
    const text = `${this.#specKeys.length} ${this.#bookKeys.length / 2}${specs}${this.#ops}`
    return { keys: this.#specKeys.concat(this.#bookKeys), args: [text] }
  }

  #instead(claim: Claim): number {
    if (claim.instead === null) return 0
    return claim.instead === 'nothing' ? -1 : this.#spec(claim.instead)
  }

  /** A pool whose limit has changed since it was named becomes a second spec. */
  #spec(pool: Pool): number {
    const { limit, windowMs } = pool
    const known = this.#specOf.get(pool.bucket) ?? 0
    if (this.#specNumbers[3 * known - 2] === limit && this.#specNumbers[3 * known - 1] === windowMs)
      return known
    this.#specKeys.push(this.#prefix + pool.bucket)
    this.#specNumbers.push(KINDS[pool.kind], limit, windowMs)
    this.#specOf.set(pool.bucket, this.#specKeys.length)
    return this.#specKeys.length
  }

  #book(tag: string): number {
    const known = this.#bookOf.get(tag)
    if (known !== undefined) return known
    this.#bookKeys.push(`${this.#prefix}${tag}:open`, `${this.#prefix}${tag}:leases`)
    const number = this.#bookKeys.length / 2
    this.#bookOf.set(tag, number)
    return number
  }
}

/** The book a call's reservation stands in: that of its first claim. */
export function bookOf(claims: readonly Claim[]): string {
  const [first] = claims
  return first === undefined ? '{none}' : tagOf(first.bucket)
}

/** Server time of a reply, in the milliseconds its judgement was made with (since 2026). */
export function replyTimeMs(reply: readonly number[]): number {
  const micros = reply[0] ?? 0
  return Math.floor(micros / 1_000_000) * 1000 + (micros % 1_000_000) / 1000
}

/** Integers in a reply that a reservation with this many claims takes. */
export function verdictLength(claimCount: number): number {
  return 2 + 2 * claimCount
}

/** What one pool holds, at this place of a reply. */
export function readState(reply: readonly number[], at: number): PoolState {
  return { remaining: reply[at] as number, resetMs: reply[at + 1] as number }
}

/** What this many pools hold, one after the other. */
export function readStates(reply: readonly number[], at: number, count: number): PoolState[] {
  const states: PoolState[] = []
  for (let i = 0; i < count; i++) states.push(readState(reply, at + 2 * i))
  return states
}

/**
 * The verdict on one call in a reply.
 * @param at where the call begins; the first begins at 1
 */
export function readVerdict(reply: readonly number[], at: number, claimCount: number): Verdict {
  const states = readStates(reply, at + 2, claimCount)
  const failed = reply[at] as number
  if (failed < 0) return { admitted: true, states }
  const waitMs = reply[at + 1] as number
  return { admitted: false, failed, waitMs: waitMs < 0 ? null : waitMs, states }
}

/** @throws Error when a reply is not as long as what was asked for makes it */
export function checkReply(reply: unknown, length: number): readonly number[] {
  if (Array.isArray(reply) && reply.length === length) return reply
  throw new Error('ledger.lua answered in a form we do not know')
}
