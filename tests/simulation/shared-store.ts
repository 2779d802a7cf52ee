/**
 * The store all gateways share: a ledger, with a clock of its own, that carries out one operation after the
 * other. It may freeze for a while, forget its last writes, or forget everything. Whoever watches it is told of
 * each operation, and of the history that is left when some of it was lost.
 */
import type { Verdict } from '@headgate/domain/reservation'
import { applyTo, type Book, type Done, type NewBook, type Operation } from './operation.ts'
import type { Schedule } from './schedule.ts'

export type Watcher = {
  /** @param atMs of the store's clock */
  applied(done: Done, book: Book): void
  lostWrites(left: readonly Done[]): void
}

export class SharedStore {
  readonly #schedule: Schedule
  readonly #newBook: NewBook
  readonly #watcher: Watcher
  #book: Book
  #history: Done[] = []
  #frozenUntilMs = 0
  #clockAheadMs = 0

  constructor(schedule: Schedule, newBook: NewBook, watcher: Watcher) {
    this.#schedule = schedule
    this.#newBook = newBook
    this.#book = newBook()
    this.#watcher = watcher
  }

  get book(): Book {
    return this.#book
  }

  /** Of its own clock. */
  get nowMs(): number {
    return this.#schedule.nowMs + this.#clockAheadMs
  }

  /** Carries out an operation as soon as the store is not frozen, then answers. */
  ask(
    operation: Operation,
    answer: (verdict: Verdict | null) => void,
    atMs = (nowMs: number) => nowMs,
  ): void {
    if (this.#schedule.nowMs < this.#frozenUntilMs) {
      this.#schedule.at(this.#frozenUntilMs, () => this.ask(operation, answer, atMs))
      return
    }
    const verdict = applyTo(this.#book, operation, atMs(this.nowMs))
    const done = { operation, atMs: this.nowMs, verdict }
    this.#history.push(done)
    this.#watcher.applied(done, this.#book)
    answer(verdict)
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#schedule.nowMs + forMs)
  }

  jumpAhead(byMs: number): void {
    this.#clockAheadMs += byMs
  }

  /** Goes back to an earlier state, as a replica does that had not heard of the last writes. */
  loseWrites(count: number): void {
    this.#history = this.#history.slice(0, Math.max(0, this.#history.length - count))
    this.#book = this.#newBook()
    for (const { operation, atMs } of this.#history) applyTo(this.#book, operation, atMs)
    this.#watcher.lostWrites(this.#history)
  }

  flush(): void {
    this.loseWrites(this.#history.length)
  }
}
