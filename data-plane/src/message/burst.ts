/**
 * A burst puts writes off to the end of the turn of the event loop and then makes them all, one right after
 * the other. Each write that finds its reader asleep has to wake it, which costs several times the write
 * itself; in a burst only the first does. Under light load a burst is one write, put off by microseconds.
 */
export class Burst<T> {
  readonly #write: (item: T) => void
  readonly #before: ((items: readonly T[]) => void) | undefined
  #items: T[] = []

  /**
   * @param write must not throw: what it is given is taken as done
   * @param before sees all that will be written now, before the first is
   */
  constructor(write: (item: T) => void, before?: (items: readonly T[]) => void) {
    this.#write = write
    this.#before = before
  }

  add(item: T): void {
    if (this.#items.push(item) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    const items = this.#items
    this.#items = []
    this.#before?.(items)
    for (const item of items) this.#write(item)
  }
}
