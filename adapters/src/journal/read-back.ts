/** Reads closed accounts back from the journal's files, a piece at a time, between two places. */
import { open } from 'node:fs/promises'
import { readFrames } from './frame.ts'
import type { Journal } from './journal.ts'
import { atPlace, type Segment } from './segment.ts'

/** A closed account on its way. Without a segment it was never in the journal. */
export type Item = {
  readonly text: string
  /** Where the account was opened. */
  readonly segment: Segment | null
  /** Where its frame begins. */
  readonly place: number
}

export type Piece = {
  readonly items: readonly Item[]
  /** Where to read on. */
  readonly next: number
}

/** Far above the size of a frame. */
const PIECE_BYTES = 1_048_576

/**
 * The accounts that were closed behind a place, as far as one piece goes.
 * @throws Error of the file system
 */
export async function readBack(journal: Journal, place: number): Promise<Piece> {
  const { number, offset } = atPlace(place)
  const index = journal.segments.findIndex((it) => it.number >= number)
  const segment = journal.segments[index]
  if (segment === undefined) return { items: [], next: journal.current.place(journal.current.size) }
  if (segment.number > number) return readBack(journal, segment.place(0))
  const length = Math.min(segment.size - offset, PIECE_BYTES)
  const after = journal.segments[index + 1]
  if (length <= 0) return { items: [], next: after?.place(0) ?? place }
  const bytes = await readBytes(segment.path, offset, length)
  const atEnd = offset + length >= segment.size
  const items: Item[] = []
  const { taken } = readFrames(bytes, atEnd, (frame) => {
    if (frame.kind !== 'end' && frame.kind !== 'record') return
    const opener = journal.segments.find((it) => it.number === frame.segment) ?? segment
    items.push({ text: frame.text, segment: opener, place: segment.place(offset + frame.from) })
  })
  const done = offset + taken >= segment.size && after !== undefined
  return { items, next: done ? after.place(0) : segment.place(offset + taken) }
}

/** The texts of the accounts whose frames begin from one place to another. @throws Error of the file system */
export async function readTexts(journal: Journal, first: number, last: number): Promise<string[]> {
  const texts: string[] = []
  for (let place = first; place <= last; ) {
    const { items, next } = await readBack(journal, place)
    for (const item of items) if (item.place <= last) texts.push(item.text)
    if (next === place) break
    place = next
  }
  return texts
}

async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await file.read(bytes, 0, length, offset)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
