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
  readonly #leaseMs: string
  readonly #specKeys: string[] = []
  readonly #specNumbers: string[] = []
  readonly #specOf = new Map<string, number>()
  readonly #bookKeys: string[] = []
  readonly #bookOf = new Map<string, string>()
  readonly #ops: string[] = []

  /** @param prefix what all keys begin with */
  constructor(prefix: string, leaseMs = LEASE_MS) {
    this.#prefix = prefix
    this.#leaseMs = String(leaseMs)
  }

  reserve(ask: Ask): void {
    const { claims, id, tokens, tokensAtLeast } = ask
    this.#ops.push('R', this.#book(bookOf(claims)), id, String(tokens), String(tokensAtLeast))
    this.#ops.push(this.#leaseMs, String(claims.length))
    for (const claim of claims) {
      if (claim.unit === 'nanos') {
        this.#ops.push(this.#spec(claim), '2', String(ask.nanosAtLeast ?? 0), String(ask.nanos ?? 0))
        continue
      }
      this.#ops.push(this.#spec(claim), claim.unit === 'tokens' ? '1' : '0', this.#instead(claim))
      this.#ops.push(claim.quotaId ?? '')
    }
  }

  settle(book: string, id: string, used: Used): void {
    const { sent, tokens, quotaId, nanos } = used
    const op = nanos === undefined ? 'S' : 'P'
    this.#ops.push(op, this.#book(book), id, sent ? '1' : '0', String(tokens), quotaId ?? '')
    if (nanos !== undefined) this.#ops.push(String(nanos))
  }

  giveBack(book: string, id: string): void {
    this.#ops.push('G', this.#book(book), id, this.#leaseMs)
  }

  renew(book: string, id: string, tokensAtLeast: number, nanosAtLeast = 0): void {
    this.#ops.push('N', this.#book(book), id, String(tokensAtLeast), this.#leaseMs, String(nanosAtLeast))
  }

  reap(book: string): void {
    this.#ops.push('X', this.#book(book))
  }

  /** @param id charges once, however often it is sent within a lease */
  charge(pool: Pool, amount: number, id: string): void {
    this.#ops.push('C', this.#book(tagOf(pool.bucket)), id, this.#leaseMs, this.#spec(pool), String(amount))
  }

  /** Says that what budgets of this book have spent is known from now on. */
  begin(book: string): void {
    this.#ops.push('B', this.#book(book))
  }

  look(pool: Pool): void {
    this.#ops.push('V', this.#spec(pool))
  }

  /** @param books where the reservations of the pool may stand */
  lookHeld(pool: Pool, books: readonly string[]): void {
    this.#ops.push('H', this.#spec(pool), String(books.length), ...books.map((book) => this.#book(book)))
  }

  /** Keys and arguments of ledger.lua. */
  toCall(): { keys: string[]; args: string[] } {
    const counts = [String(this.#specKeys.length), String(this.#bookKeys.length / 2)]
    return { keys: this.#specKeys.concat(this.#bookKeys), args: counts.concat(this.#specNumbers, this.#ops) }
  }

  #instead(claim: Claim): string {
    if (claim.instead === null) return '0'
    return claim.instead === 'nothing' ? '-1' : this.#spec(claim.instead)
  }

  /** A pool whose limit has changed since it was named becomes a second spec. */
  #spec(pool: Pool): string {
    const limit = String(pool.limit)
    const windowMs = String(pool.windowMs)
    const known = this.#specOf.get(pool.bucket) ?? 0
    if (this.#specNumbers[3 * known - 2] === limit && this.#specNumbers[3 * known - 1] === windowMs)
      return String(known)
    this.#specKeys.push(this.#prefix + pool.bucket)
    this.#specNumbers.push(KINDS[pool.kind], limit, windowMs)
    this.#specOf.set(pool.bucket, this.#specKeys.length)
    return String(this.#specKeys.length)
  }

  #book(tag: string): string {
    const known = this.#bookOf.get(tag)
    if (known !== undefined) return known
    this.#bookKeys.push(`${this.#prefix}${tag}:open`, `${this.#prefix}${tag}:leases`)
    const number = String(this.#bookKeys.length / 2)
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
