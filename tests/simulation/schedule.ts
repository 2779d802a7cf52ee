/**
 * Virtual time: what is to happen, by when. Nothing waits; time is where the next thing happens. Things of the
 * same millisecond happen in the order in which they were planned.
 */
type Planned = { readonly atMs: number; readonly number: number; readonly work: () => void }

export class Schedule {
  readonly #heap: Planned[] = []
  #planned = 0
  #nowMs = 0

  /** Whole milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Plans something; what lies in the past happens now. */
  at(atMs: number, work: () => void): void {
    const heap = this.#heap
    const it = { atMs: Math.max(this.#nowMs, atMs), number: this.#planned++, work }
    let place = heap.length
    heap.push(it)
    while (place > 0) {
      const above = (place - 1) >> 1
      if (!isBefore(it, heap[above]!)) break
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = it
  }

  after(delayMs: number, work: () => void): void {
    this.at(this.#nowMs + delayMs, work)
  }

  /** Lets everything happen, until nothing is planned. */
  run(): void {
    for (let it = this.#take(); it !== undefined; it = this.#take()) {
      this.#nowMs = it.atMs
      it.work()
    }
  }

  #take(): Planned | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1
      if (!isBefore(heap[below]!, last)) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = last
    return first
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
}
