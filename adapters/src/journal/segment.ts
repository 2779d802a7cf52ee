/**
 * A segment is one file of the journal. Only the newest is written to; an old one goes when every account that
 * was opened in it, and in those before it, is closed and committed by the control plane.
 */
import { closeSync, fdatasync, openSync, writeSync } from 'node:fs'
import { readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** The form of the frames is in the name, so that a later form can tell these apart. */
const NAME = /^usage-(\d{10})\.v1$/
/** Above the size of any segment: a place in the journal is one number, and later places are greater ones. */
const PLACES_PER_SEGMENT = 2 ** 30

export class Segment {
  readonly number: number
  readonly path: string
  readonly madeAtMs = performance.now()
  /** Bytes that are surely written. */
  size: number
  /** Accounts opened here that are not committed yet. */
  open = 0
  opened = 0
  /** Holds a place that cannot be read: kept aside instead of removed. */
  damaged = false
  #fd: number | null = null

  constructor(folder: string, number: number, size = 0) {
    this.number = number
    this.path = join(folder, `usage-${String(number).padStart(10, '0')}.v1`)
    this.size = size
  }

  /** @throws Error of the file system */
  create(): void {
    this.#fd = openSync(this.path, 'wx', 0o600)
  }

  /** Writes behind what is surely written; a write that broke off before is written over. @throws Error of the file system */
  write(bytes: Buffer, length: number): void {
    if (this.#fd === null) throw new Error(`${this.path} is not open`)
    for (let at = 0; at < length; ) at += writeSync(this.#fd, bytes, at, length - at, this.size + at)
    this.size += length
  }

  /** Resolves when what is written is on the disk itself, or with the reason why not. */
  sync(): Promise<Error | null> {
    const fd = this.#fd
    return fd === null ? Promise.resolve(null) : new Promise((done) => fdatasync(fd, done))
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  /** A damaged file is kept for whoever wants to look. */
  async remove(): Promise<void> {
    this.close()
    const done = this.damaged ? rename(this.path, `${this.path}.damaged`) : unlink(this.path)
    await done.catch(() => {})
  }

  /** The place of a byte of this segment in the whole journal. */
  place(offset: number): number {
    return this.number * PLACES_PER_SEGMENT + offset
  }
}

/** The segment and the byte of a place. */
export function atPlace(place: number): { readonly number: number; readonly offset: number } {
  return { number: Math.floor(place / PLACES_PER_SEGMENT), offset: place % PLACES_PER_SEGMENT }
}

/** The segment behind the one that a place is in, if there is one. */
export function segmentAfter(segments: readonly Segment[], place: number): Segment | undefined {
  return segments.find((it) => it.number > atPlace(place).number)
}

/** The numbers of the segments in a folder, oldest first. */
export async function segmentNumbers(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  const numbers = names.flatMap((name) => NAME.exec(name)?.[1] ?? []).map(Number)
  return numbers.sort((a, b) => a - b)
}
