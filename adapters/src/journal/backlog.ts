/**
 * The backlog is what was closed and has not left: a few accounts in memory, in order, and when there are more,
 * all that follow in the journal's files alone, from where they are read back.
 */
import type { Journal } from './journal.ts'
import { type Item, readBack } from './read-back.ts'
import { segmentAfter } from './segment.ts'
import type { Packed } from './under-way.ts'

const PARCEL_RECORDS = 50

export class Backlog {
  readonly #journal: Journal
  readonly #recordsMax: number
  readonly #queue: Item[] = []
  /** From this place on accounts are read from the files; null when all that wait are in the queue. */
  #unread: number | null
  #reading = false
  #packed = 0

  /** @param left whether there are closed accounts in the files already */
  constructor(journal: Journal, left: boolean, recordsMax: number) {
    this.#journal = journal
    this.#recordsMax = recordsMax
    this.#unread = left ? (journal.segments[0]?.place(0) ?? null) : null
  }

  get empty(): boolean {
    return this.#queue.length === 0 && this.#unread === null
  }

  /** True when something waits and none of it is in memory. */
  get unread(): boolean {
    return this.#queue.length === 0 && this.#unread !== null
  }

  /** Takes a closed account; false when there is no room for one that is not in the journal. */
  take(item: Item): boolean {
    const room = this.#queue.length < this.#recordsMax
    if (item.segment === null && !room) return false
    if (item.segment === null || (room && this.#unread === null)) this.#queue.push(item)
    else this.#unread ??= item.place
    return true
  }

  /** The next parcel out of memory, if there is one. Records with and without a place in the journal travel apart. */
  pack(): Packed | null {
    const [first] = this.#queue
    if (first === undefined) return null
    const unlike = (it: Item, i: number) =>
      i >= PARCEL_RECORDS || (it.segment === null) !== (first.segment === null)
    const end = this.#queue.findIndex(unlike)
    const items = this.#queue.splice(0, end < 0 ? this.#queue.length : end)
    const bytes = items.reduce((sum, it) => sum + it.text.length, 0)
    const number = first.segment === null ? 0 : ++this.#packed
    return { number, texts: items.map((it) => it.text), items, bytes }
  }

  /**
   * Reads the next accounts from the files; true when there is something new to look at. What cannot be read is
   * passed over. @throws Error of the file system
   */
  async readOn(): Promise<boolean> {
    const place = this.#unread
    if (this.#reading || place === null) return false
    this.#reading = true
    try {
      const { items, next } = await readBack(this.#journal, place)
      for (const item of items) this.#queue.push(item)
      const { current } = this.#journal
      this.#unread = this.#journal.write() && next >= current.place(current.size) ? null : next
      return items.length > 0 || next > place || this.#unread === null
    } catch (fault) {
      this.#unread = segmentAfter(this.#journal.segments, place)?.place(0) ?? null
      throw fault
    } finally {
      this.#reading = false
    }
  }
}
