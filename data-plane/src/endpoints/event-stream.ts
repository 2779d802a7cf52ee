/**
 * Listens to server-sent events without holding them up. Bytes leave as they came; what is looked for is the
 * usage event, and, when the caller did not ask for it, that one event is withheld. To be able to withhold it,
 * an unfinished event waits until it shows that it is something else.
 */
import type { Usage } from '@headgate/domain/usage'
import { usageOfEvent } from './usage.ts'

/** A usage event of chat completions is a few hundred bytes; what is longer is not one and need not wait. */
const HELD_BYTES_MAX = 4096
/** Longer events are passed on but no longer read. */
const READ_BYTES_MAX = 16 * 1024 * 1024

const USAGE = Buffer.from('"usage"')
const BLANK_LINE = Buffer.from('\n\n')
const BLANK_LINE_CR = Buffer.from('\n\r\n')
const LINE_END = Buffer.from('\n')
const FILLED_CHOICES = /"choices"\s*:\s*\[\s*\{/
const NO_BYTES = Buffer.alloc(0)

type Range = { start: number; end: number }

export class EventStream {
  readonly #withholdsUsage: boolean
  readonly #finalMarks: readonly string[]
  /** Pieces of the event that is not finished yet. */
  #open: Buffer[] = []
  #openBytes = 0
  /** How much of the unfinished event has left already. */
  #openSent = 0
  /** The unfinished event is too long to be read; it passes unseen until it ends. */
  #skipping = false
  #last: Buffer = NO_BYTES
  #lastButOne: Buffer = NO_BYTES
  #usageEventSeen = false

  usage: Usage | null = null
  /** Finished events seen, the withheld one included. */
  events = 0

  constructor(withholdsUsage: boolean, finalMarks: readonly string[]) {
    this.#withholdsUsage = withholdsUsage
    this.#finalMarks = finalMarks
  }

  /** True when what has left so far ends between two events, so that a comment may be put in. */
  get atBoundary(): boolean {
    return this.#openSent === 0 && !this.#skipping
  }

  /**
   * True when the stream showed the mark of a whole one. Asked once, at the end. Usage beside content proves
   * nothing, since some providers count along; an event of usage alone comes last.
   */
  get finished(): boolean {
    if (this.#usageEventSeen) return true
    const tail = Buffer.concat([LINE_END, this.#lastButOne, this.#last, ...this.#open])
    return this.#finalMarks.some((mark) => tail.includes(mark))
  }

  /** Takes bytes from upstream; gives those that may leave now. */
  push(chunk: Buffer): Buffer {
    const end = this.#endOfLastEvent(chunk)
    if (this.#skipping) return end === 0 ? chunk : this.#skipTo(endOfFirstEvent(chunk), chunk)
    if (end === 0) return this.#keepOpen(chunk)
    if (this.#open.length === 0 && end === chunk.length) return this.#passWhole(chunk)
    const sent = this.#openSent
    const block = Buffer.concat([...this.#open, chunk.subarray(0, end)])
    this.#openBytes = 0
    this.#openSent = 0
    this.#open = []
    const passed = this.#passWhole(block, sent)
    const rest = end < chunk.length ? this.#keepOpen(chunk.subarray(end)) : NO_BYTES
    if (passed === block && sent + rest.length === 0) return block
    return Buffer.concat([passed.subarray(sent), rest])
  }

  /** At the end of the stream: what was still waiting for its event to finish. */
  flush(): Buffer {
    const rest = Buffer.concat(this.#open).subarray(this.#openSent)
    const withheld = this.#read(Buffer.concat([...this.#open, BLANK_LINE]), this.#openSent)
    if (withheld.length > 0) return NO_BYTES
    this.#openSent = this.#openBytes
    return rest
  }

  #skipTo(end: number, chunk: Buffer): Buffer {
    this.#skipping = false
    this.events++
    return end === chunk.length
      ? chunk
      : Buffer.concat([chunk.subarray(0, end), this.push(chunk.subarray(end))])
  }

  /** @param sent how much of the block has left already, as an unfinished event */
  #passWhole(block: Buffer, sent = 0): Buffer {
    this.#lastButOne = this.#last
    this.#last = block
    this.events += countEvents(block)
    const withheld = this.#read(block, sent)
    if (withheld.length === 0) return block
    const kept: Buffer[] = []
    let from = 0
    for (const range of withheld) {
      kept.push(block.subarray(from, range.start))
      from = range.end
    }
    return Buffer.concat([...kept, block.subarray(from)])
  }

  #keepOpen(piece: Buffer): Buffer {
    this.#openBytes += piece.length
    if (this.#openBytes > READ_BYTES_MAX) {
      const unsent = Buffer.concat([...this.#open, piece]).subarray(this.#openSent)
      this.#open = []
      this.#openSent = 0
      this.#openBytes = 0
      this.#skipping = true
      return unsent
    }
    this.#open.push(piece)
    if (this.#withholdsUsage && this.#openSent === 0 && this.#mayBeUsage()) return NO_BYTES
    const unsent = this.#openSent === this.#openBytes - piece.length ? piece : Buffer.concat(this.#open)
    this.#openSent = this.#openBytes
    return unsent
  }

  #mayBeUsage(): boolean {
    if (this.#openBytes > HELD_BYTES_MAX) return false
    const open = this.#open.length === 1 ? (this.#open[0] as Buffer) : Buffer.concat(this.#open)
    return !FILLED_CHOICES.test(open.toString('latin1'))
  }

  /** Looks for usage in a block of whole events; gives the ranges to withhold. */
  #read(block: Buffer, sent: number): Range[] {
    const withheld: Range[] = []
    let at = block.indexOf(USAGE)
    while (at >= 0) {
      if (!opensObject(block, at + USAGE.length)) {
        at = block.indexOf(USAGE, at + USAGE.length)
        continue
      }
      // Each event is parsed once at most: a caller can make one say "usage" a hundred thousand times.
      const range = eventAround(block, at)
      at = block.indexOf(USAGE, range.end)
      const found = usageOfEvent(parseEvent(block.toString('utf8', range.start, range.end)))
      if (found === null) continue
      this.usage = found.usage
      if (!found.bare) continue
      this.#usageEventSeen = true
      if (this.#withholdsUsage && range.start >= sent) withheld.push(range)
    }
    return withheld
  }

  /** Where in the chunk the last finished event ends; 0 when none ends in it. */
  #endOfLastEvent(chunk: Buffer): number {
    const length = chunk.length
    if (length > 1 && chunk[length - 1] === 0x0a && chunk[length - 2] === 0x0a) return length
    const plain = chunk.lastIndexOf(BLANK_LINE)
    const withCr = chunk.lastIndexOf(BLANK_LINE_CR)
    const inside = Math.max(plain < 0 ? 0 : plain + 2, withCr < 0 ? 0 : withCr + 3)
    if (inside > 0 || this.#open.length === 0) return inside
    // The blank line may lie across the seam between what is open and this chunk.
    const before = tailOf(this.#open)
    const seam = Buffer.concat([before, chunk.subarray(0, 2)])
    const acrossPlain = seam.indexOf(BLANK_LINE)
    const acrossCr = seam.indexOf(BLANK_LINE_CR)
    const across = Math.max(acrossPlain < 0 ? 0 : acrossPlain + 2, acrossCr < 0 ? 0 : acrossCr + 3)
    return Math.max(0, across - before.length)
  }
}

/** Where the first finished event of a chunk that holds one ends. */
function endOfFirstEvent(chunk: Buffer): number {
  const plain = chunk.indexOf(BLANK_LINE)
  const withCr = chunk.indexOf(BLANK_LINE_CR)
  const ends = [plain < 0 ? chunk.length : plain + 2, withCr < 0 ? chunk.length : withCr + 3]
  return Math.min(...ends)
}

/** The last two bytes of the pieces, however short the pieces are. */
function tailOf(pieces: readonly Buffer[]): Buffer {
  const last = pieces[pieces.length - 1] as Buffer
  if (last.length >= 2 || pieces.length === 1) return last.subarray(-2)
  return Buffer.concat(pieces.slice(-2)).subarray(-2)
}

function opensObject(block: Buffer, from: number): boolean {
  for (let at = from; at < block.length; at++) {
    const byte = block[at]
    if (byte === 0x7b) return true
    if (byte !== 0x3a && byte !== 0x20) return false
  }
  return false
}

function eventAround(block: Buffer, at: number): Range {
  const startPlain = block.lastIndexOf(BLANK_LINE, at)
  const startCr = block.lastIndexOf(BLANK_LINE_CR, at)
  const start = Math.max(startPlain < 0 ? 0 : startPlain + 2, startCr < 0 ? 0 : startCr + 3)
  const endPlain = block.indexOf(BLANK_LINE, at)
  const endCr = block.indexOf(BLANK_LINE_CR, at)
  const ends = [endPlain < 0 ? block.length : endPlain + 2, endCr < 0 ? block.length : endCr + 3]
  return { start, end: Math.min(...ends) }
}

/** The JSON of an event's data lines, per the event-stream format of the HTML standard; null when there is none. */
export function parseEvent(text: string): unknown {
  let data = ''
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (line.startsWith('data:')) data += (data && '\n') + line.slice(line.startsWith('data: ') ? 6 : 5)
  }
  try {
    return JSON.parse(data)
  } catch {
    return null
  }
}

function countEvents(block: Buffer): number {
  let events = 0
  for (let at = block.indexOf(BLANK_LINE); at >= 0; at = block.indexOf(BLANK_LINE, at + 2)) events++
  return events > 0 ? events : 1
}
