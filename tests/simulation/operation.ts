/** What gateways ask of the store, and what the simulation needs of a ledger to carry it out. */
import type { LedgerBook } from '@headgate/domain/ledger'
import type { Ask, Used, Verdict } from '@headgate/domain/reservation'

export type Operation =
  | { readonly op: 'reserve'; readonly ask: Ask }
  | { readonly op: 'settle'; readonly id: string; readonly used: Used }
  | { readonly op: 'giveBack'; readonly id: string }
  | {
      readonly op: 'renew'
      readonly id: string
      readonly tokensAtLeast: number
      readonly nanosAtLeast: number
    }
  | { readonly op: 'begin' }
  | { readonly op: 'reap' }

/** One operation as the store carried it out. */
export type Done = { readonly operation: Operation; readonly atMs: number; readonly verdict: Verdict | null }

/** The ledger's rule, or one with a bug in it. */
export type Book = Pick<
  LedgerBook,
  'reserve' | 'settle' | 'giveBack' | 'renew' | 'reap' | 'begin' | 'stateOf' | 'heldOf' | 'openCount'
>
export type NewBook = () => Book

export function applyTo(book: Book, operation: Operation, nowMs: number): Verdict | null {
  if (operation.op === 'reserve') return book.reserve(operation.ask, nowMs)
  if (operation.op === 'settle') book.settle(operation.id, operation.used, nowMs)
  else if (operation.op === 'giveBack') book.giveBack(operation.id, nowMs)
  else if (operation.op === 'renew')
    book.renew(operation.id, operation.tokensAtLeast, nowMs, operation.nanosAtLeast)
  else if (operation.op === 'begin') book.begin('{team_t}')
  else book.reap(nowMs)
  return null
}

/** The first broken promise ends a simulation. */
export class Finding extends Error {}

/** @throws Finding */
export function promise(kept: boolean, what: string, ...seen: unknown[]): void {
  if (!kept)
    throw new Finding(
      `${what}${seen.length > 0 ? `: ${seen.map((it) => JSON.stringify(it)).join(', ')}` : ''}`,
    )
}

/** @throws Finding when two values are not the same */
export function promiseSame(found: unknown, expected: unknown, what: string): void {
  if (found !== expected) throw new Finding(`${what}: found ${String(found)}, expected ${String(expected)}`)
}
