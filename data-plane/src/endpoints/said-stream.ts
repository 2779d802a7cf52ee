/**
 * What a stream has said so far, in case nobody tells how much it was. While it runs, its bytes are only kept; each
 * time there are some kilobytes of them they are read, and their text alone stays. A stream whose usage is told
 * forgets all of it.
 */
import { SaidText } from './said-text.ts'

/** Some hundred events. Read rarely, so that most of the price is the memory; read soon, so that it is little. */
const KEPT_BYTES_MAX = 32 * 1024
/** An event that is longer is not read, and neither is the rest of its stream. */
const EVENT_BYTES_MAX = 4 * 1024 * 1024
const BLANK_LINE = /\r?\n\r?\n/

export class SaidStream {
  readonly #text = new SaidText()
  #kept: Buffer[] = []
  #keptBytes = 0
  #readAtBytes = KEPT_BYTES_MAX
  #isTooLong = false

  /** @param bytes what left for the caller; not to be changed afterwards */
  keep(bytes: Buffer): void {
    this.#kept.push(bytes)
    this.#keptBytes += bytes.length
    if (this.#keptBytes >= this.#readAtBytes) this.#read()
  }

  /** One text for each place of the answer; null when there is more than is counted. */
  texts(): string[] | null {
    this.#read()
    return this.#isTooLong ? null : this.#text.texts()
  }

  /** Reads the events that are whole. */
  #read(): void {
    const bytes = this.#kept.length === 1 ? (this.#kept[0] as Buffer) : Buffer.concat(this.#kept)
    const end = endOfEvents(bytes)
    const rest = bytes.subarray(end)
    this.#isTooLong ||= rest.length > EVENT_BYTES_MAX
    // A copy, or the little that is left would keep all of it.
    this.#kept = rest.length === 0 || this.#isTooLong ? [] : [Buffer.from(rest)]
    this.#keptBytes = rest.length
    // What is not whole yet is not looked through again before as much again has come.
    this.#readAtBytes = KEPT_BYTES_MAX + 2 * rest.length
    const text = bytes.toString('utf8', 0, end)
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
