/**
 * The usage stream of a gateway: every account goes through the journal, and from there to the control plane.
 * A gateway that starts closes the accounts that a dead one left open, and ships what that one had not.
 */
import type { Log, UsageAccount, UsageBacklog, UsageStream } from '@headgate/domain/ports'
import type { UsageIntent } from '@headgate/domain/usage-intent'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { claimFolder, type Release } from '../process/claim-folder.ts'
import { AccountBooks, UnwrittenAccount } from './account.ts'
import { Journal, type JournalOptions } from './journal.ts'
import type { Outlet } from './outlet.ts'
import { type Replayed, replay } from './replay.ts'
import { Shipper, type ShipperOptions } from './shipper.ts'

export type UsageJournalOptions = JournalOptions &
  ShipperOptions & {
    readonly log: Log
    /** What a full journal means: calls that cost something are refused, or served and perhaps not recorded. */
    readonly whenFull: 'refuse' | 'serve'
  }

/**
 * Opens the journal of a folder for this process alone, and settles what the process before left there.
 * @throws Error when a living process holds the folder, or it cannot be written
 */
export async function openUsageJournal(outlet: Outlet, options: UsageJournalOptions): Promise<UsageJournal> {
  const release = await claimFolder(options.folder, 'HEADGATE_JOURNAL_DIR')
  try {
    const left = await replay(options.folder, options.log)
    return new UsageJournal(outlet, options, left, release)
  } catch (fault) {
    await release()
    throw fault
  }
}

export class UsageJournal implements UsageStream {
  readonly #options: UsageJournalOptions
  readonly #journal: Journal
  readonly #shipper: Shipper
  readonly #books: AccountBooks
  readonly #damagedBytes: number
  readonly #release: Release

  constructor(outlet: Outlet, options: UsageJournalOptions, left: Replayed, release: Release) {
    this.#options = options
    this.#release = release
    this.#damagedBytes = left.damagedBytes + left.tornBytes
    const closed = left.segments.reduce((sum, it) => sum + it.open, 0) - left.lost.length
    this.#journal = new Journal(options, left.segments)
    this.#shipper = new Shipper(this.#journal, outlet, closed, options)
    this.#books = new AccountBooks(this.#journal, this.#shipper)
    for (const { segment, number, record } of left.lost) this.#books.close('end', segment, number, record)
    this.#journal.write()
    if (closed + left.lost.length > 0)
      options.log('warn', 'the usage journal held records of a process that ended without shipping them', {
        closed,
        unfinished: left.lost.length,
      })
  }

  full(): boolean {
    return this.#options.whenFull === 'refuse' && this.#journal.full()
  }

  intend(intent: UsageIntent): UsageAccount {
    return this.#journal.full() ? new UnwrittenAccount(this.#books) : this.#books.open(intent)
  }

  append(record: UsageRecord): void {
    if (this.#journal.full()) this.#books.closeUnwritten(record)
    else this.#books.record(record)
  }

  async flush(timeoutMs: number): Promise<void> {
    this.#journal.write()
    await Promise.all([this.#journal.sync(), this.#shipper.flush(timeoutMs)])
  }

  backlog(): UsageBacklog {
    return {
      bytes: this.#journal.bytes,
      bytesMax: this.#options.bytesMax,
      waiting: this.#shipper.waiting,
      unconfirmed: this.#shipper.unconfirmed,
      lost: this.#shipper.lost,
      damagedBytes: this.#damagedBytes,
    }
  }

  /** Writes and syncs what there is, and gives the folder back. What is not committed stays for the next start. */
  async close(): Promise<void> {
    await this.#shipper.close()
    await this.#journal.close()
    await this.#release()
  }
}
