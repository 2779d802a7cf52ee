/**
 * The journal is where a gateway writes down what it is about to spend, before it does: append-only files on
 * the local disk. What is noted in one turn of the event loop is written at once, which a killed process does
 * not lose; a sync a few milliseconds later makes it safe from a power cut.
 */
import { mkdirSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Log } from '@headgate/domain/ports'
import { FillAlarm } from './fill-alarm.ts'
import { type Frame, putFrame, roomFor } from './frame.ts'
import { Segment } from './segment.ts'

export type JournalOptions = {
  readonly folder: string
  /** The most all files together may hold; beyond it the journal is full. */
  readonly bytesMax: number
  /** How long a note may be written and not yet synced; 0 leaves it to the operating system. */
  readonly syncMs: number
  readonly log: Log
  /** A segment ends at this size, 64 MiB, */
  readonly segmentBytesMax?: number
  /** or at this age, a minute: what is committed should not wait for the rest. */
  readonly segmentMsMax?: number
}

const BUFFER_BYTES = 262_144
const SEGMENT_BYTES_MAX = 64 * 1024 * 1024
const SEGMENT_MS_MAX = 60_000
/** Of a small journal a segment is at most this part, so that room can be given back in pieces. */
const SEGMENTS_MIN = 8
const SYNC_RECORDS = 100
const LOOK_EACH_MS = 500

export class Journal {
  /** Oldest first; the last is the one that is written to. */
  readonly segments: Segment[]
  readonly #options: JournalOptions
  readonly #segmentBytesMax: number
  readonly #looker: NodeJS.Timeout
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  /** Where the notes in the buffer end that are not written yet. */
  #end = 0
  #records = 0
  /** Notes were written that no sync has seen, and how many records are among them. */
  #unsynced = false
  #unsyncedRecords = 0
  #syncing = false
  #syncTimer: NodeJS.Timeout | null = null
  #turnEnds = false
  #bytes: number
  readonly #alarm: FillAlarm
  #failing = false
  #mustRoll = false

  /** @param segments what is there already, oldest first  @throws Error when nothing can be written there */
  constructor(options: JournalOptions, segments: readonly Segment[]) {
    this.#options = options
    this.#segmentBytesMax = Math.min(
      options.segmentBytesMax ?? SEGMENT_BYTES_MAX,
      Math.ceil(options.bytesMax / SEGMENTS_MIN),
    )
    this.#alarm = new FillAlarm(options.bytesMax, options.log)
    this.segments = [...segments]
    this.#bytes = segments.reduce((sum, it) => sum + it.size, 0)
    this.#roll()
    this.#looker = setInterval(() => void this.#look(), LOOK_EACH_MS)
    this.#looker.unref()
  }

  get current(): Segment {
    return this.segments.at(-1) as Segment
  }

  get bytes(): number {
    return this.#bytes + this.#end
  }

  full(): boolean {
    return this.#failing || this.#bytes + this.#end >= this.#options.bytesMax
  }

  /** Notes a frame and gives its place. It is written with the others of this turn, or when `write` is called. */
  note(kind: Frame['kind'], segment: number, number: number, text: string): number {
    const room = roomFor(text)
    if (this.#end + room > this.#buffer.length) this.#makeRoom(room)
    const at = this.#end
    this.#end = putFrame(this.#buffer, at, { kind, segment, number, text })
    if (kind === 'end' || kind === 'record') this.#records += 1
    if (this.#syncTimer === null) this.#syncLater()
    return this.current.place(this.current.size + at)
  }

  /** Lets what was noted be written when this turn of the event loop ends. */
  writeSoon(): void {
    if (this.#turnEnds) return
    this.#turnEnds = true
    setImmediate(() => {
      this.#turnEnds = false
      this.write()
    })
  }

  /** Writes what was noted; false when the disk does not take it. It is kept, and tried again. */
  write(): boolean {
    if (this.#end === 0) return true
    const segment = this.current
    try {
      segment.write(this.#buffer, this.#end)
    } catch (fault) {
      this.#fail(fault)
      return false
    }
    this.#bytes += this.#end
    this.#unsynced = true
    this.#unsyncedRecords += this.#records
    this.#end = 0
    this.#records = 0
    if (this.#failing) this.#recover()
    if (segment.size >= this.#segmentBytesMax) this.#rollIfPossible()
    if (this.#unsyncedRecords >= SYNC_RECORDS && this.#options.syncMs > 0) void this.sync()
    return true
  }

  /** Resolves when what was written by now is on the disk itself. A disk that cannot is told, once. */
  async sync(): Promise<void> {
    if (this.#syncing || !this.#unsynced) return
    this.#syncing = true
    this.#unsynced = false
    this.#unsyncedRecords = 0
    const fault = await this.current.sync()
    this.#syncing = false
    if (fault === null) return
    this.#options.log('error', `the usage journal cannot be synced: ${fault.message}; a new file is begun`)
    if (this.write()) this.#rollIfPossible()
  }

  /** Removes segments from the oldest on while all that was opened in them is committed. */
  reap(): void {
    while (this.segments.length > 1 && this.segments[0]?.open === 0) {
      const segment = this.segments.shift() as Segment
      this.#bytes -= segment.size
      void segment.remove()
    }
  }

  /** Writes and syncs what there is. When nothing waits to be committed, no file is left. */
  async close(): Promise<void> {
    clearInterval(this.#looker)
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer)
    this.write()
    await this.current.sync()
    this.current.close()
    if (this.segments.some((it) => it.open > 0)) return
    await Promise.all(this.segments.map((it) => it.remove()))
  }

  #makeRoom(room: number): void {
    if (this.write() && this.#end + room <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + room))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }

  #syncLater(): void {
    const { syncMs } = this.#options
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = null
      this.write()
      if (syncMs > 0) void this.sync()
    }, syncMs || LOOK_EACH_MS)
    this.#syncTimer.unref()
  }

  /** Begins a new segment. There is nothing unwritten. @throws Error of the file system */
  #roll(): void {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
    const old = this.segments.at(-1)
    const next = new Segment(this.#options.folder, (old?.number ?? 0) + 1)
    next.create()
    this.segments.push(next)
    this.#mustRoll = false
    if (old !== undefined) void old.sync().then(() => old.close())
    this.reap()
  }

  #rollIfPossible(): void {
    try {
      this.#roll()
    } catch (fault) {
      this.#mustRoll = true
      this.#fail(fault)
    }
  }

  /** Looks now and then: tries again what failed, ends old segments, tells how full it is. */
  async #look(): Promise<void> {
    const segment = this.current
    const isThere = await stat(segment.path).then(
      () => true,
      () => false,
    )
    if (segment !== this.current) return
    if (!isThere || this.#failing) this.#tryAgain(isThere)
    else if (this.#isDue(segment) && this.write() && segment === this.current) this.#rollIfPossible()
    this.#alarm.tell(this.bytes)
  }

  #isDue(segment: Segment): boolean {
    if (segment.size === 0) return false
    if (this.full() && segment.open === 0) return true
    return performance.now() - segment.madeAtMs > (this.#options.segmentMsMax ?? SEGMENT_MS_MAX)
  }

  /** A file that somebody removed takes all one writes and keeps nothing. */
  #tryAgain(isThere: boolean): void {
    if (!isThere) this.#fail(new Error(`${this.current.path} was removed`))
    if (!isThere || this.#mustRoll) this.#rollIfPossible()
    if (!this.#mustRoll && this.write()) this.#recover()
  }

  #fail(fault: unknown): void {
    if (this.#failing) return
    this.#failing = true
    const reason = fault instanceof Error ? fault.message : String(fault)
    this.#options.log('error', `THE USAGE JOURNAL CANNOT BE WRITTEN: ${reason}`, {
      folder: this.#options.folder,
    })
  }

  #recover(): void {
    if (!this.#failing) return
    this.#failing = false
    this.#options.log('warn', 'the usage journal can be written again')
  }
}
