/**
 * Accounts are kept in the journal: opened by an intent, closed by a record, with what is known in between.
 * What is closed goes on to the shipper, as the same text that was written down.
 */
import { GatewayError } from '@headgate/domain/gateway-error'
import type { UsageAccount } from '@headgate/domain/ports'
import type { UsageIntent, UsageProgress } from '@headgate/domain/usage-intent'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { intentText } from './intent-text.ts'
import type { Journal } from './journal.ts'
import type { Segment } from './segment.ts'
import type { Shipper } from './shipper.ts'

/** What may be over by then: a disk that was full for a moment, a control plane that was slow. */
const RETRY_AFTER_MS = 5_000

/** Notes accounts in the journal and hands the closed ones to the shipper. */
export class AccountBooks {
  readonly #journal: Journal
  readonly #shipper: Shipper

  constructor(journal: Journal, shipper: Shipper) {
    this.#journal = journal
    this.#shipper = shipper
  }

  /** The intent is written with whatever is written next, at the latest when its bytes leave. */
  open(intent: UsageIntent): UsageAccount {
    const segment = this.#openIn()
    this.#journal.note('intent', segment.number, segment.opened, intentText(intent))
    return new WrittenAccount(this, this.#journal, segment)
  }

  /** Opens and closes the account of a call that made no attempt. */
  record(record: UsageRecord): void {
    const segment = this.#openIn()
    this.close('record', segment, segment.opened, record)
  }

  close(kind: 'end' | 'record', segment: Segment, number: number, record: UsageRecord): void {
    const text = JSON.stringify(record)
    const place = this.#journal.note(kind, segment.number, number, text)
    this.#shipper.take({ text, segment, place })
    this.#journal.writeSoon()
  }

  closeUnwritten(record: UsageRecord): void {
    this.#shipper.take({ text: JSON.stringify(record), segment: null, place: 0 })
  }

  #openIn(): Segment {
    const segment = this.#journal.current
    segment.open += 1
    segment.opened += 1
    return segment
  }
}

class WrittenAccount implements UsageAccount {
  readonly #books: AccountBooks
  readonly #journal: Journal
  readonly #segment: Segment
  readonly #number: number
  #sending = false
  #closed = false

  constructor(books: AccountBooks, journal: Journal, segment: Segment) {
    this.#books = books
    this.#journal = journal
    this.#segment = segment
    this.#number = segment.opened
  }

  sending(): void {
    if (this.#sending || this.#closed) return
    this.#sending = true
    this.#journal.note('sending', this.#segment.number, this.#number, '')
  }

  secure(): void {
    if (this.#journal.write()) return
    throw new GatewayError('journal_full', { retryAfterMs: RETRY_AFTER_MS })
  }

  progress(progress: UsageProgress): void {
    if (this.#closed) return
    this.#journal.note('progress', this.#segment.number, this.#number, JSON.stringify(progress))
    // At once: what it tells of may be read by the caller before this turn ends.
    this.#journal.write()
  }

  close(record: UsageRecord): void {
    if (this.#closed) return
    this.#closed = true
    this.#books.close('end', this.#segment, this.#number, record)
  }
}

/** An account for which there is no room: its record goes on its way from memory alone. */
export class UnwrittenAccount implements UsageAccount {
  readonly #books: AccountBooks
  #closed = false

  constructor(books: AccountBooks) {
    this.#books = books
  }

  sending(): void {}

  secure(): void {}

  progress(): void {}

  close(record: UsageRecord): void {
    if (this.#closed) return
    this.#closed = true
    this.#books.closeUnwritten(record)
  }
}
