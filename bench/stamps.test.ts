// Shows that no event is lost or counted twice, however a gateway cuts the stream.
import { expect, test } from 'vitest'
import { readStamps, stampOf } from './stamps.ts'

const EVENTS = [1, 22, 333_333_333_333, 4, 5].map((nanos) => `data: {${stampOf(nanos)},"x":"y"}\n\n`).join('')

function stampsIn(pieces: readonly string[]): number[] {
  const stamps: number[] = []
  const read = readStamps((nanos) => stamps.push(nanos))
  const shared = Buffer.alloc(1024)
  for (const piece of pieces) {
    // Left-over bytes of an earlier read behind the end must not be taken for the stream.
    shared.fill(stampOf(999))
    read(shared, 3, 3 + shared.write(piece, 3))
  }
  return stamps
}

function inPiecesOf(size: number): string[] {
  const pieces: string[] = []
  for (let i = 0; i < EVENTS.length; i += size) pieces.push(EVENTS.slice(i, i + size))
  return pieces
}

test('every stamp is read exactly once for pieces of every size', () => {
  for (let size = 1; size <= EVENTS.length; size++) {
    expect(stampsIn(inPiecesOf(size)), `pieces of ${size}`).toEqual([1, 22, 333_333_333_333, 4, 5])
  }
})

test('every stamp is read exactly once for every pair of cuts', () => {
  for (let first = 0; first <= EVENTS.length; first++) {
    for (let second = first; second <= EVENTS.length; second += 7) {
      const pieces = [EVENTS.slice(0, first), EVENTS.slice(first, second), EVENTS.slice(second)]
      expect(stampsIn(pieces)).toHaveLength(5)
    }
  }
})
