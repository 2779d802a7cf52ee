/** What a stream that never told its usage has said, in bounded memory, and at no price for those that tell it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { SaidRoom } from './said-room.ts'
import { SaidStream } from './said-stream.ts'
import { SaidText } from './said-text.ts'

const delta = (index: number, it: object) => ({
  choices: [{ index, delta: it, finish_reason: null }],
  obfuscation: 'xyz',
})
const event = (value: unknown, end = '\n\n') => `data: ${JSON.stringify(value)}${end}`

/** All of it read at once, with nothing put by: what must come out however it is kept. */
function allAtOnce(bytes: Buffer): string[] | null {
  const text = new SaidText()
  const whole = bytes
    .toString()
    .split(/\r?\n\r?\n/)
    .slice(0, -1)
  for (const it of whole) text.addEvent(it)
  return text.texts()
}

function kept(room: SaidRoom, bytes: Buffer, size: number): SaidStream {
  const stream = new SaidStream(room)
  for (let at = 0; at < bytes.length; at += size) stream.keep(bytes.subarray(at, at + size))
  return stream
}

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
const said = fc.oneof(
  { weight: 8, arbitrary: words.map((content) => delta(0, { content })) },
  words.map((content) => delta(1, { content, refusal: 'no' })),
  words.map((name) => delta(0, { tool_calls: [{ index: 0, function: { name, arguments: '{"at":' } }] })),
  words.map((it) => ({ type: 'response.output_text.delta', item_id: 'm', output_index: 0, delta: it })),
  fc.integer({ min: 1, max: 60_000 }).map((length) => delta(2, { content: 'long '.repeat(length / 5) })),
  fc.constant({ choices: [], usage: null }),
)
const END = fc.constantFrom('\n\n', '\r\n\r\n')

test('a stream says what all of it read at once says, whatever its pieces and however little room there is', () => {
  const streams = fc.array(said, { maxLength: 120 })
  const rooms = fc.constantFrom(0, 10_000, 100_000, 100_000_000)
  fc.assert(
    fc.property(streams, END, fc.integer({ min: 1, max: 70_000 }), rooms, (some, end, size, bytesMax) => {
      const text = some.map((it) => event(it, end)).join('')
      const bytes = Buffer.from(
        `${text}: a comment${end}data: no json${end}data: {"choices":[{"index":0,"del`,
      )
      const room = new SaidRoom(bytesMax)
      const stream = kept(room, bytes, size)
      expect(stream.texts()).toEqual(allAtOnce(bytes))
      stream.forget()
      expect(room.bytes).toBe(0)
    }),
    { numRuns: rounds(100) },
  )
})

test('streams together take no more than the room there is, beside 32 KB for each, and give it back', () => {
  const room = new SaidRoom(1_000_000)
  const bytes = Buffer.from(event(delta(0, { content: 'Hello ' })).repeat(6000))
  const streams: SaidStream[] = []
  let most = 0
  for (let nth = 0; nth < 20; nth++) {
    streams.push(kept(room, bytes, 300))
    most = Math.max(most, room.bytes)
  }
  expect(most).toBeGreaterThan(1_000_000)
  expect(most).toBeLessThanOrEqual(1_000_000 + 20 * 32 * 1024)
  for (const stream of streams) {
    expect(stream.texts()).toEqual(['Hello '.repeat(6000)])
    stream.forget()
  }
  expect(room.bytes).toBe(0)
})

test('a stream alone keeps 512 KB at most, its text besides', () => {
  const room = new SaidRoom()
  const stream = new SaidStream(room)
  const bytes = Buffer.from(event(delta(0, { content: 'Hello ' })).repeat(20_000))
  for (let at = 0; at < bytes.length; at += 16_000) {
    stream.keep(bytes.subarray(at, at + 16_000))
    expect(room.bytes).toBeLessThanOrEqual(512 * 1024)
  }
  expect(stream.texts()).toEqual(['Hello '.repeat(20_000)])
})

test('however many streams end at once, one is read in a turn of the event loop, and all are forgotten', async () => {
  const room = new SaidRoom()
  const streams = Array.from({ length: 50 }, (_, nth) =>
    kept(room, Buffer.from(event(delta(0, { content: `it ${nth}` }))), 100),
  )
  let turn = 0
  let isOver = false
  const count = () => {
    turn += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const read = await Promise.all(streams.map(async (stream) => ({ texts: await stream.textsInTurn(), turn })))
  isOver = true
  expect(read.map((it) => it.texts)).toEqual(streams.map((_, nth) => [`it ${nth}`]))
  expect(new Set(read.map((it) => it.turn)).size).toBe(50)
  expect(room.bytes).toBe(0)
})

test('bytes that are kept may be changed afterwards by whoever gave them', () => {
  const stream = new SaidStream(new SaidRoom())
  const bytes = Buffer.from(event(delta(0, { content: 'Hello' })))
  stream.keep(bytes)
  bytes.fill(0)
  expect(stream.texts()).toEqual(['Hello'])
})

test.each([
  String.raw`{"choices":[{"index":0,"delta":{"content":"\u00zz"}}]}`,
  String.raw`{"choices":[{"index":0,"delta":{"content":"\q"}}]}`,
  '{"choices":[{"index":0,"delta":{"content":"\t"}}]}',
])('the event %s, which is no JSON, says nothing and is no fault', (event) => {
  const stream = new SaidStream(new SaidRoom())
  stream.keep(Buffer.from(`data: ${event}\n\ndata: {"choices":[{"index":0,"delta":{"content":"on"}}]}\n\n`))
  expect(stream.texts()?.join('').trim()).toBe('on')
})

test('an event that says something for several choices is read for all of them', () => {
  const stream = new SaidStream(new SaidRoom())
  const choices = [0, 1].map((index) => ({ index, delta: { content: `it ${index}` } }))
  stream.keep(Buffer.from(`data: ${JSON.stringify({ choices })}\n\n`))
  expect(stream.texts()).toEqual(['it 0', 'it 1'])
})

test('one event without an end is neither read nor kept for ever, and takes no time by its square', () => {
  const room = new SaidRoom()
  const stream = new SaidStream(room)
  const piece = Buffer.alloc(16 * 1024, 'x')
  for (let i = 0; i < 4096; i++) {
    stream.keep(piece)
    expect(room.bytes).toBeLessThanOrEqual(4 * 1024 * 1024)
  }
  expect(stream.texts()).toBeNull()
  expect(room.bytes).toBe(0)
})
