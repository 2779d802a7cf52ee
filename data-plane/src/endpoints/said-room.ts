/**
 * The memory in which all streams of a process keep what they said, in slabs that go round: made once, copied into,
 * given back. It is bounded, so that many long streams cost time in place of it: who is told that it is full reads what it
 * has and keeps the text alone.
 */
export const SLAB_BYTES = 8 * 1024
/** As much as 256 streams of a thousand events each. */
const BYTES_MAX = 64 * 1024 * 1024
/** Kept for the next streams; what is beyond goes back to the system. */
const IDLE_BYTES_MAX = 16 * 1024 * 1024

export class SaidRoom {
  readonly #slabsMax: number
  readonly #idle: Buffer[] = []
  #taken = 0
  #lastTurn: Promise<void> = Promise.resolve()

  /** @param bytesMax from how many bytes on it is full */
  constructor(bytesMax = BYTES_MAX) {
    this.#slabsMax = bytesMax / SLAB_BYTES
  }

  /** How much is in use, in bytes. */
  get bytes(): number {
    return this.#taken * SLAB_BYTES
  }

  get isFull(): boolean {
    return this.#taken >= this.#slabsMax
  }

  /** A slab to write into, full or not: asking before is up to who can do without. */
  take(): Buffer {
    this.#taken += 1
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  }

  /**
   * Resolves in a turn of the event loop that nobody else was given: to read a long stream takes a millisecond or two,
   * and hundreds may end at once.
   */
  turn(): Promise<void> {
    this.#lastTurn = this.#lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#lastTurn
  }

  /** Takes slabs back; nobody may look at them any more. */
  give(slabs: readonly Buffer[]): void {
    this.#taken -= slabs.length
    for (const slab of slabs) if (this.#idle.length * SLAB_BYTES < IDLE_BYTES_MAX) this.#idle.push(slab)
  }
}
