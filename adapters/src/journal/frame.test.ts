import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { type Frame, type FrameKind, putFrame, readFrames, roomFor } from './frame.ts'

const kinds: readonly FrameKind[] = ['intent', 'sending', 'progress', 'end', 'record']
const note = fc.record({
  kind: fc.constantFrom(...kinds),
  segment: fc.nat(2 ** 32 - 1),
  number: fc.nat(2 ** 32 - 1),
  text: fc.oneof(fc.constant(''), fc.json(), fc.string({ unit: 'grapheme' })),
})
const notes = fc.array(note, { minLength: 1, maxLength: 8 })
type Note = { kind: FrameKind; segment: number; number: number; text: string }

function written(all: readonly Note[]): { bytes: Buffer; ends: number[] } {
  const bytes = Buffer.alloc(all.reduce((sum, it) => sum + roomFor(it.text), 0))
  const ends: number[] = []
  let at = 0
  for (const it of all) {
    at = putFrame(bytes, at, it)
    ends.push(at)
  }
  return { bytes: bytes.subarray(0, at), ends }
}

function read(bytes: Buffer, atEnd = true) {
  const seen: Note[] = []
  const reading = readFrames(bytes, atEnd, ({ from: _, ...it }: Frame) => seen.push(it))
  return { seen, ...reading }
}

test('what was put is read, in order and unchanged', () => {
  fc.assert(
    fc.property(notes, (all) => {
      const { bytes } = written(all)
      expect(read(bytes)).toEqual({ seen: all, taken: bytes.length, damagedBytes: 0, tornBytes: 0 })
    }),
    { numRuns: rounds(200) },
  )
})

test('bytes cut anywhere give the frames before the cut, and say how much is torn', () => {
  fc.assert(
    fc.property(notes, fc.nat(), (all, place) => {
      const { bytes, ends } = written(all)
      const cut = place % (bytes.length + 1)
      const whole = ends.filter((end) => end <= cut)
      const tornBytes = cut - (whole.at(-1) ?? 0)
      expect(read(bytes.subarray(0, cut))).toMatchObject({
        seen: all.slice(0, whole.length),
        ...{ tornBytes, damagedBytes: 0 },
      })
      const soFar = read(bytes.subarray(0, cut), false)
      expect(soFar.seen).toEqual(all.slice(0, whole.length))
      expect(read(bytes.subarray(soFar.taken)).seen).toEqual(all.slice(whole.length))
    }),
    { numRuns: rounds(300) },
  )
})

test('a flipped byte costs the frame it is in and no other, and never gives a wrong one', () => {
  fc.assert(
    fc.property(notes, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, place, flip) => {
      const { bytes, ends } = written(all)
      const at = place % bytes.length
      bytes[at] = (bytes[at] as number) ^ flip
      const hit = ends.findIndex((end) => at < end)
      const { seen, damagedBytes, tornBytes } = read(bytes)
      expect(seen).toEqual(all.toSpliced(hit, 1))
      expect(damagedBytes + tornBytes).toBe((ends[hit] as number) - (ends[hit - 1] ?? 0))
    }),
    { numRuns: rounds(300) },
  )
})

test('random bytes give nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      expect(read(Buffer.from(bytes))).toMatchObject({ seen: [], tornBytes: bytes.length })
    }),
    { numRuns: rounds(100) },
  )
})
