/**
 * The records of the latest calls of this gateway, for callers who ask before a record has come to the database. A
 * ring of references: a call pays one write into a slot, whoever asks looks through all of them.
 */
import type { UsageRecord } from '@headgate/domain/usage-record'

const RECORDS_MAX = 2_048

export class RecentCalls {
  readonly #ring: UsageRecord[] = []
  #next = 0

  note(record: UsageRecord): void {
    this.#ring[this.#next] = record
    this.#next = (this.#next + 1) % RECORDS_MAX
  }

  /** The records of a call by its attempts, in their order; none when it is not among the latest. */
  of(requestId: string): UsageRecord[] {
    return this.#ring.filter((it) => it.requestId === requestId).sort((a, b) => a.attempt - b.attempt)
  }
}
