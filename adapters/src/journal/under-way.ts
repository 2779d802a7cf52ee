/** What has left the journal and is not committed yet: kept there until it is, and found again when it is lost. */
import type { Parcel } from './outlet.ts'
import type { Item } from './read-back.ts'

/** A parcel with where it comes from. */
export type Packed = Parcel & { readonly items: readonly Item[]; readonly bytes: number }

/** A parcel on its way. Its texts are in the journal, between two places. */
export type Sent = {
  readonly number: number
  /** Null until the outlet has taken it. */
  receipt: string | null
  sentAtMs: number
  readonly first: number
  readonly last: number
  readonly bytes: number
  readonly segments: readonly Item['segment'][]
}

export class UnderWay {
  /** By number, the one that was sent first in front. */
  readonly #parcels = new Map<number, Sent>()
  #bytes = 0
  #records = 0

  get bytes(): number {
    return this.#bytes
  }

  get records(): number {
    return this.#records
  }

  /** Before it is sent: the news that it is committed may come before the answer that it was taken. */
  begin({ number, items, bytes }: Packed): void {
    if (number === 0 || this.#parcels.has(number)) return
    const [first, last] = [items[0]?.place ?? 0, items.at(-1)?.place ?? 0]
    const segments = items.map((it) => it.segment)
    this.#parcels.set(number, { number, receipt: null, sentAtMs: 0, first, last, bytes, segments })
    this.#bytes += bytes
    this.#records += items.length
  }

  /** It was taken, perhaps again. */
  taken(number: number, receipt: string, nowMs: number): void {
    const parcel = this.#parcels.get(number)
    if (parcel === undefined) return
    this.#parcels.delete(number)
    this.#parcels.set(number, { ...parcel, receipt, sentAtMs: nowMs })
  }

  has(number: number): boolean {
    return this.#parcels.has(number)
  }

  /** Whatever is in these is committed: their accounts no longer hold their segments. */
  commit(numbers: readonly number[]): void {
    for (const number of numbers) {
      const parcel = this.#parcels.get(number)
      if (parcel === undefined) continue
      this.#parcels.delete(number)
      this.#bytes -= parcel.bytes
      this.#records -= parcel.segments.length
      for (const segment of parcel.segments) if (segment !== null) segment.open -= 1
    }
  }

  /** The parcel that was taken first of all, if that was before a time. */
  overdue(beforeMs: number): (Sent & { readonly receipt: string }) | null {
    for (const parcel of this.#parcels.values()) {
      const { receipt } = parcel
      if (receipt !== null) return parcel.sentAtMs < beforeMs ? { ...parcel, receipt } : null
    }
    return null
  }
}
