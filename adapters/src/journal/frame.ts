/**
 * A frame is one note in the journal: length, checksum, what kind of note, which account it belongs to, and its
 * text. A reader takes a frame only whole, and finds the next one behind a damaged place by itself: the bytes
 * of a text never look like the length of a frame.
 */
import { crc32 } from 'node:zlib'

/** An account is opened by an intent and closed by an end; a record is both at once. */
const KINDS = { intent: 1, sending: 2, progress: 3, end: 4, record: 5 } as const
export type FrameKind = keyof typeof KINDS

const kindNames = Object.fromEntries(Object.entries(KINDS).map(([name, code]) => [code, name]))

export type Frame = {
  readonly kind: FrameKind
  /** The account: the number of the segment it was opened in, and which it was there. */
  readonly segment: number
  readonly number: number
  readonly text: string
  /** Where the frame begins in the bytes that were read. */
  readonly from: number
}

/** Length and checksum of what follows: kind, segment, number, text. */
const LEAD_BYTES = 8
const HEAD_BYTES = LEAD_BYTES + 9
/** No record comes near. Less than four bytes of printable text read as a number. */
const FRAME_BYTES_MAX = 262_144
const UTF8_BYTES_MAX = 3

/** How much room to have at hand before a text is put. */
export function roomFor(text: string): number {
  return HEAD_BYTES + text.length * UTF8_BYTES_MAX
}

/** Puts a frame at a place and gives the place behind it. There must be room. */
export function putFrame(
  bytes: Buffer,
  at: number,
  frame: Pick<Frame, 'kind' | 'segment' | 'number' | 'text'>,
): number {
  const from = at + LEAD_BYTES
  bytes[from] = KINDS[frame.kind]
  bytes.writeUInt32LE(frame.segment, from + 1)
  bytes.writeUInt32LE(frame.number, from + 5)
  const to = at + HEAD_BYTES + (frame.text === '' ? 0 : bytes.write(frame.text, at + HEAD_BYTES))
  bytes.writeUInt32LE(to - from, at)
  bytes.writeUInt32LE(crc32(bytes.subarray(from, to)), at + 4)
  return to
}

export type Reading = {
  /** Up to where the bytes were understood, or passed over; the rest needs more bytes behind it. */
  readonly taken: number
  /** Bytes passed over in front of a good frame. */
  readonly damagedBytes: number
  /** Bytes at the end that make no frame: the writer was cut off there. */
  readonly tornBytes: number
}

/**
 * Visits all whole frames in their order.
 * @param atEnd no bytes follow these: what is half a frame will not become a whole one
 */
export function readFrames(bytes: Buffer, atEnd: boolean, visit: (frame: Frame) => void): Reading {
  let at = 0
  let good = 0
  let damagedBytes = 0
  while (at + HEAD_BYTES <= bytes.length) {
    const to = at + LEAD_BYTES + bytes.readUInt32LE(at)
    const possible = to >= at + HEAD_BYTES && to <= at + FRAME_BYTES_MAX
    if (possible && to > bytes.length && !atEnd) break
    const kind = kindNames[bytes[at + LEAD_BYTES] as number] as FrameKind | undefined
    if (!possible || to > bytes.length || kind === undefined || !isSound(bytes, at, to)) {
      at += 1
      continue
    }
    damagedBytes += at - good
    const [segment, number] = [
      bytes.readUInt32LE(at + LEAD_BYTES + 1),
      bytes.readUInt32LE(at + LEAD_BYTES + 5),
    ]
    visit({ kind, segment, number, text: bytes.toString('utf8', at + HEAD_BYTES, to), from: at })
    at = to
    good = to
  }
  if (!atEnd) return { taken: at, damagedBytes: damagedBytes + at - good, tornBytes: 0 }
  return { taken: bytes.length, damagedBytes, tornBytes: bytes.length - good }
}

function isSound(bytes: Buffer, at: number, to: number): boolean {
  return crc32(bytes.subarray(at + LEAD_BYTES, to)) === bytes.readUInt32LE(at + 4)
}
