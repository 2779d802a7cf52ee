/** What passes through the event stream, what is withheld from it, and what it learns on the way. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { chatCompletions } from './chat-completions.ts'
import { EventStream } from './event-stream.ts'
import { responses } from './responses.ts'

const USAGE = { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 }
const DONE = 'data: [DONE]\n\n'

const event = (value: unknown, end = '\n') => `data: ${JSON.stringify(value)}${end}${end}`
const chunk = (content: string) => event({ choices: [{ index: 0, delta: { content } }], usage: null })
const stop = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null })
const usageEvent = event({ id: 'x', choices: [], usage: USAGE })

/** Feeds the text in pieces that end at the given offsets; gives what left. */
function through(stream: EventStream, bytes: Buffer, cuts: readonly number[] = []): Buffer {
  const left: Buffer[] = []
  let from = 0
  for (const to of [...new Set(cuts)].sort((a, b) => a - b).concat(bytes.length)) {
    left.push(stream.push(bytes.subarray(from, to)))
    from = to
  }
  return Buffer.concat([...left, stream.flush()])
}

const chat = (withholds = true) => new EventStream(withholds, chatCompletions.finalMarks)

test('a usage event nobody asked for is withheld, everything else leaves byte for byte', () => {
  const stream = chat()
  const out = through(stream, Buffer.from(chunk('héllo 🙂') + stop + usageEvent + DONE))
  expect(out.toString()).toBe(chunk('héllo 🙂') + stop + DONE)
  expect(stream.usage?.tokens).toEqual({ input: 12, cachedInput: 0, output: 34, reasoning: 0 })
  expect(stream.finished).toBe(true)
})

test('a usage event the caller asked for passes and is read all the same', () => {
  const stream = chat(false)
  const text = chunk('hi') + stop + usageEvent + DONE
  expect(through(stream, Buffer.from(text)).toString()).toBe(text)
  expect(stream.usage?.tokens.output).toBe(34)
})

const parts = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }).map(chunk),
    fc.constantFrom(
      ': comment\n\n',
      'event: ping\ndata: {}\n\n',
      'data: {"choices":[],"prompt_filter_results":[]}\n\n',
      'data: "usage"\n\n',
      'data: {"usage":{"prompt_tokens":-1},"choices":[]}\n\n',
      'data: line one\ndata: line two\n\n',
      'id: 7\nretry: 10\n\n',
      'data: {"choices":[{"delta":{"content":"\\"usage\\":{"}}]}\n\n',
    ),
  ),
  { maxLength: 8 },
)

for (const lineEnd of ['\n', '\r\n']) {
  const named = lineEnd === '\n' ? 'LF' : 'CRLF'
  test(`however a ${named} stream is cut into pieces, the same bytes leave and the same usage is read`, () => {
    fc.assert(
      fc.property(parts, parts, fc.array(fc.nat(2000), { maxLength: 12 }), (before, after, cuts) => {
        const ended = (text: string) => Buffer.from(text.replaceAll('\n', lineEnd))
        const all = ended(before.join('') + usageEvent + after.join('') + DONE)
        const stream = chat()
        const inside = cuts.map((cut) => cut % all.length)
        expect(through(stream, all, inside)).toEqual(ended(before.join('') + after.join('') + DONE))
        expect(stream.usage?.tokens.input).toBe(12)
        expect(stream.finished).toBe(true)
      }),
      { numRuns: rounds(300) },
    )
  })

  test(`a ${named} stream may be cut at any single byte, also inside a character`, () => {
    const ended = (text: string) => Buffer.from(text.replaceAll('\n', lineEnd))
    const all = ended(chunk('é🙂') + usageEvent + DONE)
    for (let cut = 0; cut <= all.length; cut++) {
      const stream = chat()
      expect(through(stream, all, [cut]).equals(ended(chunk('é🙂') + DONE))).toBe(true)
      expect(stream.usage?.tokens.output).toBe(34)
    }
  })

  test(`a ${named} stream that comes byte by byte leaves whole, without the usage event`, () => {
    const ended = (text: string) => Buffer.from(text.replaceAll('\n', lineEnd))
    const all = ended(chunk('é🙂') + stop + usageEvent + DONE)
    const stream = chat()
    const out = through(stream, all, [...all.keys()])
    expect(out.equals(ended(chunk('é🙂') + stop + DONE))).toBe(true)
  })
}

test('bytes that are no events at all leave as they came', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 10 }), (pieces) => {
      const stream = chat()
      const out = Buffer.concat([...pieces.map((it) => stream.push(Buffer.from(it))), stream.flush()])
      expect(out).toEqual(Buffer.concat(pieces))
    }),
    { numRuns: rounds(300) },
  )
})

test('nothing waits but what may be the usage event', () => {
  const stream = chat()
  const open = `data: {"choices":[{"index":0,"delta":{"content":"slow`
  expect(stream.push(Buffer.from(open)).toString()).toBe(open)
  expect(stream.atBoundary).toBe(false)
  expect(stream.push(Buffer.from('ly"}}]}\n\n')).toString()).toBe('ly"}}]}\n\n')
  expect(stream.atBoundary).toBe(true)
  expect(stream.push(Buffer.from('data: {"choices":[],"us'))).toHaveLength(0)
  expect(stream.atBoundary).toBe(true)
})

test('a last event without its blank line is read, and withheld when it is the usage event', () => {
  const stream = chat()
  const out = through(stream, Buffer.from(chunk('hi') + stop + usageEvent.trimEnd()))
  expect(out.toString()).toBe(chunk('hi') + stop)
  expect(stream.usage?.tokens.output).toBe(34)
  expect(stream.finished).toBe(true)
})

test('of repeated totals the last one counts, and each is withheld', () => {
  const more = event({ choices: [], usage: { ...USAGE, completion_tokens: 40 } })
  const stream = chat()
  const out = through(stream, Buffer.from(chunk('a') + usageEvent + more + DONE))
  expect(out.toString()).toBe(chunk('a') + DONE)
  expect(stream.usage?.tokens.output).toBe(40)
})

test('usage beside content is read and never withheld', () => {
  const last = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE })
  const stream = chat()
  expect(through(stream, Buffer.from(chunk('a') + last + DONE)).toString()).toBe(chunk('a') + last + DONE)
  expect(stream.usage?.tokens.output).toBe(34)
})

test('a usage event too long to wait for leaves whole instead of in half', () => {
  const long = event({ padding: 'x'.repeat(8000), choices: [], usage: USAGE })
  const all = Buffer.from(chunk('a') + long + chunk('b') + DONE)
  const at = chunk('a').length
  const stream = chat()
  expect(through(stream, all, [at, at + 5000]).equals(all)).toBe(true)
  expect(stream.usage?.tokens.output).toBe(34)
})

test('a stream without a final mark is not finished, whatever its text says', () => {
  const unfinished = [
    chunk('half'),
    chunk('the mark is data: [DONE]'),
    chunk('\ndata: [DONE]'),
    chunk('{"finish_reason":"stop"}'),
    event({ choices: [{ index: 0, delta: { content: 'counted along' } }], usage: USAGE }),
    '',
  ]
  for (const text of unfinished) {
    const stream = chat()
    through(stream, Buffer.from(text))
    expect(stream.finished, text).toBe(false)
  }
})

test('each of the ways a provider ends a stream counts as an end', () => {
  for (const text of [DONE, 'data:[DONE]\n\n', 'data: [DONE]\r\n\r\n', 'data: [DONE]', stop, usageEvent]) {
    const stream = chat()
    through(stream, Buffer.from(chunk('all') + text))
    expect(stream.finished, text).toBe(true)
  }
})

test('a response is finished by its completed event and by nothing in its text', () => {
  const usage = { input_tokens: 5, output_tokens: 7, output_tokens_details: { reasoning_tokens: 2 } }
  const delta = `event: response.output_text.delta\n${event({ type: 'response.output_text.delta', delta: 'event: response.completed "type":"response.completed"' })}`
  const cut = new EventStream(false, responses.finalMarks)
  through(cut, Buffer.from(delta))
  expect(cut.finished).toBe(false)
  const whole = new EventStream(false, responses.finalMarks)
  const end = `event: response.completed\n${event({ type: 'response.completed', response: { usage } })}`
  expect(through(whole, Buffer.from(delta + end)).toString()).toBe(delta + end)
  expect(whole.finished).toBe(true)
  expect(whole.usage?.tokens).toEqual({ input: 5, cachedInput: 0, output: 7, reasoning: 2 })
})

test('a tool that a response repeats cannot plant usage', () => {
  const tools = [{ name: 'x', usage: { input_tokens: 0, output_tokens: 0 } }]
  const stream = new EventStream(false, responses.finalMarks)
  through(stream, Buffer.from(event({ type: 'response.created', response: { tools, usage: null } })))
  expect(stream.usage).toBeNull()
})

/** The least time of three, so that a busy machine does not decide. */
function leastMs(work: () => void): number {
  const times = [0, 1, 2].map(() => {
    const startMs = performance.now()
    work()
    return performance.now() - startMs
  })
  return Math.min(...times)
}

test('the cost of an event is linear in its bytes, even when it comes byte by byte', () => {
  const cost = (length: number) =>
    leastMs(() => {
      const all = Buffer.from(chunk('x'.repeat(length)))
      const stream = chat()
      for (let at = 0; at < all.length; at++) stream.push(all.subarray(at, at + 1))
    })
  cost(10_000)
  expect(cost(400_000)).toBeLessThan(Math.max(32 * cost(50_000), 2000))
})

test('an event that says "usage" a hundred thousand times is read once', () => {
  const planted = Array.from({ length: 100_000 }, () => ({ usage: {} }))
  const all = Buffer.from(event({ type: 'response.created', response: { tools: planted } }))
  const stream = new EventStream(false, responses.finalMarks)
  expect(leastMs(() => through(stream, all))).toBeLessThan(2000)
})

test('a line of eight megabytes and an event beyond all bounds leave byte for byte', () => {
  const line = Buffer.from(`data: ${'y'.repeat(8 * 1024 * 1024)}\n\n`)
  expect(through(chat(), line, [1000, 70_000]).equals(line)).toBe(true)
  const endless = Buffer.alloc(18 * 1024 * 1024, 0x7a)
  const stream = chat()
  const out: Buffer[] = []
  for (let at = 0; at < endless.length; at += 65_536) out.push(stream.push(endless.subarray(at, at + 65_536)))
  expect(stream.atBoundary).toBe(false)
  out.push(stream.push(Buffer.from(`\n\n${chunk('after')}${usageEvent}${DONE}`)))
  expect(Buffer.concat(out).subarray(endless.length).toString()).toBe(`\n\n${chunk('after')}${DONE}`)
  expect(stream.usage?.tokens.output).toBe(34)
})
