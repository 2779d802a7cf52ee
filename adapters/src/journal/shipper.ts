/**
 * The shipper brings closed accounts from the journal to the control plane, in order. A few wait here; when
 * there are more they are read back from the files. What was sent stays in the journal until it is committed,
 * and is sent again when it was lost on the way; a record that arrives twice is known by its id.
 */
import type { Log } from '@headgate/domain/ports'
import { Backlog } from './backlog.ts'
import type { Journal } from './journal.ts'
import type { Outlet } from './outlet.ts'
import { type Item, readTexts } from './read-back.ts'
import { type Packed, type Sent, UnderWay } from './under-way.ts'

export type ShipperOptions = {
  readonly log: Log
  /** How many records wait in memory; the others are read from the files. 5000. */
  readonly recordsMax?: number
  /** How many bytes of records may be sent and not committed; beyond it the shipper waits. 64 MiB. */
  readonly bytesUnderWayMax?: number
  /** How often to ask what is committed; 250 ms. */
  readonly askEachMs?: number
  /** When to ask after a parcel that is not committed; 10 s. */
  readonly missAfterMs?: number
}

const RECORDS_MAX = 5000
const BYTES_UNDER_WAY_MAX = 64 * 1024 * 1024
const SENDING_MAX = 16
/** Records gather this long and leave together: a parcel of fifty costs little more than a parcel of one. */
const SEND_EACH_MS = 5
const ASK_EACH_MS = 250
const MISS_AFTER_MS = 10_000
const RETRY_MIN_MS = 50
const RETRY_MAX_MS = 2_000

export class Shipper {
  readonly #journal: Journal
  readonly #outlet: Outlet
  readonly #options: ShipperOptions
  readonly #asker: NodeJS.Timeout
  readonly #backlog: Backlog
  /** Not taken by the outlet the first time. */
  readonly #again: Packed[] = []
  readonly #underWay = new UnderWay()
  /** Called when nothing waits any more. */
  readonly #flushed: (() => void)[] = []
  #waiting: number
  #sending = 0
  #lost = 0
  #failures = 0
  #pumpScheduled = false
  #asking = false
  #missAtMs = 0
  #closed = false
  #retry: NodeJS.Timeout | null = null

  /** @param left how many closed accounts are in the files already */
  constructor(journal: Journal, outlet: Outlet, left: number, options: ShipperOptions) {
    this.#journal = journal
    this.#outlet = outlet
    this.#options = options
    this.#waiting = left
    this.#backlog = new Backlog(journal, left > 0, options.recordsMax ?? RECORDS_MAX)
    this.#asker = setInterval(() => void this.#ask(), options.askEachMs ?? ASK_EACH_MS)
    this.#asker.unref()
    this.#schedulePump()
  }

  get waiting(): number {
    return this.#waiting
  }

  get unconfirmed(): number {
    return this.#underWay.records
  }

  get lost(): number {
    return this.#lost
  }

  /** Takes a closed account. */
  take(item: Item): void {
    if (!this.#backlog.take(item)) {
      this.#giveUp(1, 'there is no room for them')
      return
    }
    this.#waiting += 1
    this.#schedulePump()
  }

  /** Resolves when all that was taken has left, or the time is up. */
  flush(timeoutMs: number): Promise<void> {
    if (this.#isIdle()) return Promise.resolve()
    this.#pump()
    return new Promise((done) => {
      const timer = setTimeout(done, timeoutMs)
      this.#flushed.push(() => {
        clearTimeout(timer)
        done()
      })
    })
  }

  /** Asks a last time what is committed, and ends. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#asker)
    if (this.#retry !== null) clearTimeout(this.#retry)
    await this.#outlet.committed().then(
      (numbers) => this.#underWay.commit(numbers),
      () => {},
    )
  }

  #schedulePump(): void {
    if (this.#pumpScheduled || this.#retry !== null || this.#closed) return
    this.#pumpScheduled = true
    setTimeout(() => {
      this.#pumpScheduled = false
      this.#pump()
    }, SEND_EACH_MS)
  }

  #pump(): void {
    if (this.#closed) return
    // First written down, then sent: else a successor could tell another story of the same call.
    this.#journal.write()
    const bytesMax = this.#options.bytesUnderWayMax ?? BYTES_UNDER_WAY_MAX
    while (this.#sending < SENDING_MAX && this.#retry === null && this.#underWay.bytes < bytesMax) {
      const parcel = this.#again.shift() ?? this.#backlog.pack()
      if (parcel === null) break
      void this.#send(parcel)
    }
    if (this.#backlog.unread) void this.#readOn()
    if (this.#isIdle()) this.#becomeIdle()
  }

  #isIdle(): boolean {
    return this.#backlog.empty && this.#sending === 0 && this.#again.length === 0
  }

  #becomeIdle(): void {
    this.#waiting = 0
    for (const done of this.#flushed.splice(0)) done()
  }

  async #send(parcel: Packed): Promise<void> {
    this.#sending += 1
    this.#underWay.begin(parcel)
    try {
      const receipt = await this.#outlet.send(parcel)
      this.#underWay.taken(parcel.number, receipt, performance.now())
      this.#waiting -= parcel.items.length
      this.#becomeWell()
    } catch (fault) {
      this.#again.push(parcel)
      this.#becomeTroubled(fault)
    }
    this.#sending -= 1
    if (this.#isIdle()) this.#becomeIdle()
    else this.#schedulePump()
  }

  async #readOn(): Promise<void> {
    try {
      if (await this.#backlog.readOn()) this.#schedulePump()
    } catch (fault) {
      const reason = textOf(fault)
      this.#options.log('error', `a file of the usage journal cannot be read and is passed over: ${reason}`)
      this.#schedulePump()
    }
  }

  async #ask(): Promise<void> {
    if (this.#asking || this.#closed) return
    this.#asking = true
    try {
      if (this.#underWay.records > 0) {
        this.#underWay.commit(await this.#outlet.committed())
        await this.#sendLostAgain()
        this.#journal.reap()
      }
    } catch {
      // The outlet is away: whoever sends says so.
    }
    this.#asking = false
    if (!this.#isIdle()) this.#schedulePump()
  }

  /** What the outlet neither holds nor knows as committed was lost there. */
  async #sendLostAgain(): Promise<void> {
    const missAfterMs = this.#options.missAfterMs ?? MISS_AFTER_MS
    const nowMs = performance.now()
    if (nowMs < this.#missAtMs) return
    for (let it = this.#underWay.overdue(nowMs - missAfterMs); it !== null; ) {
      if (await this.#outlet.holds(it.receipt)) {
        this.#missAtMs = nowMs + missAfterMs
        return
      }
      this.#underWay.commit(await this.#outlet.committed())
      if (this.#underWay.has(it.number)) await this.#sendOnceMore(it)
      it = this.#underWay.overdue(nowMs - missAfterMs)
    }
  }

  async #sendOnceMore({ number, first, last, segments }: Sent): Promise<void> {
    const texts = await readTexts(this.#journal, first, last).catch(() => [])
    if (texts.length === 0) {
      this.#giveUp(segments.length, 'they were lost on their way and are no longer in the journal')
      this.#underWay.commit([number])
      return
    }
    const count = texts.length
    this.#options.log('warn', 'usage records were lost on their way and are sent again', { count })
    this.#underWay.taken(number, await this.#outlet.send({ number, texts }), performance.now())
  }

  #giveUp(count: number, why: string): void {
    if (this.#lost === 0) this.#options.log('error', `USAGE RECORDS ARE BEING LOST: ${why}`)
    this.#lost += count
  }

  #becomeWell(): void {
    if (this.#failures === 0) return
    this.#failures = 0
    this.#options.log('info', 'usage records leave the journal again')
  }

  #becomeTroubled(fault: unknown): void {
    if (this.#retry !== null || this.#closed) return
    if (this.#failures === 0)
      this.#options.log('warn', `usage records stay in the journal: ${textOf(fault)}`, {
        waiting: this.#waiting,
      })
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.#failures, 10))
    this.#retry = setTimeout(
      () => {
        this.#retry = null
        this.#pump()
      },
      waitMs * (0.75 + Math.random() * 0.25),
    )
    this.#retry.unref()
    this.#failures += 1
  }
}

function textOf(fault: unknown): string {
  return fault instanceof Error ? fault.message || fault.name : String(fault)
}
