/**
 * What a stream has said so far, in case nobody tells how much it was. Its bytes are copied and not looked at: nearly
 * every stream tells its usage in the end, and forgets them unread. Who has kept a lot of them, or finds the room for all
 * streams full, reads them, and then their text alone stays.
 */
import { type SaidRoom, SLAB_BYTES } from './said-room.ts'
import { SaidText } from './said-text.ts'

/** What each stream may keep, however full the room is; to read oftener would cost more than it saves. */
const SURE_SLABS = (32 * 1024) / SLAB_BYTES
/** About two thousand events, which most answers have less of. To read them holds up others by milliseconds. */
const KEPT_SLABS_MAX = (512 * 1024) / SLAB_BYTES
/** What is read at once: short texts are young, and cost less than long ones. */
const PORTION_SLABS = (32 * 1024) / SLAB_BYTES
/** An event that is longer is not read, and neither is the rest of its stream. */
const EVENT_SLABS_MAX = (4 * 1024 * 1024) / SLAB_BYTES
const BLANK_LINE = /\r?\n\r?\n/
const NO_BYTES = Buffer.alloc(0)

export class SaidStream {
  readonly #room: SaidRoom
  readonly #text = new SaidText()
  #slabs: Buffer[] = []
  /** The last of them, and how far it is written. */
  #slab: Buffer = NO_BYTES
  #at = SLAB_BYTES
  /** How many held the half event that was left when it was read last. */
  #halfSlabs = 0
  #isTooLong = false

  /** @param room shared with all streams of the process; `forget` gives back what was taken of it */
  constructor(room: SaidRoom) {
    this.#room = room
  }

  /** @param bytes what left for the caller */
  keep(bytes: Buffer): void {
    const end = this.#at + bytes.length
    if (end > SLAB_BYTES) this.#spread(bytes)
    else {
      this.#slab.set(bytes, this.#at)
      this.#at = end
    }
  }

  /** All that was said, in a turn of its own, and then it is forgotten. Nothing may be kept after this is called. */
  async textsInTurn(): Promise<string[] | null> {
    await this.#room.turn()
    const texts = this.texts()
    this.forget()
    return texts
  }

  /** One text for each place of the answer; null when there is more than is counted. */
  texts(): string[] | null {
    this.#read()
    return this.#isTooLong ? null : this.#text.texts()
  }

  /** To be called when nobody will ask any more. */
  forget(): void {
    this.#room.give(this.#slabs)
    this.#slabs = []
    this.#slab = NO_BYTES
    this.#at = SLAB_BYTES
  }

  #spread(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#at === SLAB_BYTES) this.#makeRoom()
      if (this.#isTooLong) return
      const copied = bytes.copy(this.#slab, this.#at, from)
      this.#at += copied
      from += copied
    }
  }

  /** Afterwards the last slab is not full, or the stream is too long. */
  #makeRoom(): void {
    // What is half an event is not looked through again before there is three times as much.
    const least = Math.max(SURE_SLABS, 3 * this.#halfSlabs)
    const most = Math.min(Math.max(KEPT_SLABS_MAX, 3 * this.#halfSlabs), EVENT_SLABS_MAX)
    const kept = this.#slabs.length
    if (kept >= most || (kept >= least && this.#room.isFull)) this.#read()
    if (this.#slabs.length >= EVENT_SLABS_MAX) {
      this.#isTooLong = true
      this.forget()
    } else if (this.#at === SLAB_BYTES) {
      this.#slab = this.#room.take()
      this.#slabs.push(this.#slab)
      this.#at = 0
    }
  }

  /** Reads the events that are whole, some slabs at a time; what is left is the half one behind them. */
  #read(): void {
    const slabs = this.#slabs
    const bytes = slabs.length * SLAB_BYTES - (SLAB_BYTES - this.#at)
    let half = NO_BYTES
    // More at a time where no event ends, or a long one would be copied again and again.
    for (let from = 0, count = PORTION_SLABS; from < slabs.length; ) {
      const to = Math.min(from + count, slabs.length)
      const length = half.length + Math.min(to * SLAB_BYTES, bytes) - from * SLAB_BYTES
      const portion = Buffer.concat([half, ...slabs.slice(from, to)], length)
      const end = endOfEvents(portion)
      this.#add(portion.toString('utf8', 0, end))
      half = portion.subarray(end)
      count = end === 0 ? 2 * count : PORTION_SLABS
      from = to
    }
    this.forget()
    this.#halfSlabs = Math.ceil(half.length / SLAB_BYTES)
    this.#spread(half)
  }

  #add(text: string): void {
    if (text === '') return
    for (const event of text.split(text.includes('\r') ? BLANK_LINE : '\n\n')) this.#text.addEvent(event)
    this.#text.join()
  }
}

/** Where the last whole event ends; 0 when none does. */
function endOfEvents(bytes: Buffer): number {
  const plain = bytes.lastIndexOf('\n\n')
  const withCr = bytes.lastIndexOf('\n\r\n')
  return Math.max(plain < 0 ? 0 : plain + 2, withCr < 0 ? 0 : withCr + 3)
}
