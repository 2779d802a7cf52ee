/** What an answer is billed for: all its text, put together place by place, and nothing else. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SaidStream } from './said-stream.ts'
import { SaidText } from './said-text.ts'

const said = (...parts: readonly unknown[]) => {
  const text = new SaidText()
  for (const part of parts) text.add(part)
  return text.texts()
}
const delta = (index: number, it: object) => ({
  choices: [{ index, delta: it, finish_reason: null }],
  obfuscation: 'xyz',
})

test('a chat in pieces says what the whole one says', () => {
  const call = { name: 'look', arguments: '{"at":1}' }
  const whole = {
    choices: [
      { index: 0, message: { role: 'assistant', content: 'Hello there', refusal: null } },
      { index: 1, message: { content: null, tool_calls: [{ id: 'x', type: 'function', function: call }] } },
    ],
  }
  expect(said(whole)).toEqual(['Hello there', 'look', '{"at":1}'])
  expect(
    said(
      delta(0, { role: 'assistant', content: '' }),
      delta(1, { tool_calls: [{ index: 0, id: 'x', function: { name: 'look', arguments: '' } }] }),
      delta(0, { content: 'Hello' }),
      delta(1, { tool_calls: [{ index: 0, function: { arguments: '{"at"' } }] }),
      delta(0, { content: ' there' }),
      delta(1, { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      { choices: [], usage: null },
    )?.sort(),
  ).toEqual(['Hello there', 'look', '{"at":1}'].sort())
  expect(said(delta(0, { refusal: 'I can' }), delta(0, { refusal: 'not.' }))).toEqual(['I cannot.'])
  expect(said({ choices: [{ index: 0, text: 'Once' }] }, { choices: [{ index: 0, text: ' upon' }] })).toEqual(
    ['Once upon'],
  )
})

test('a response in pieces says what the whole one says; sound and endings add nothing', () => {
  const place = { item_id: 'm', output_index: 0, content_index: 0 }
  const text = (it: string) => ({ type: 'response.output_text.delta', ...place, delta: it })
  expect(
    said(
      { type: 'response.created', response: { output: [] } },
      { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', name: 'look' } },
      text('Hello'),
      { type: 'response.function_call_arguments.delta', item_id: 'f', output_index: 1, delta: '{"at"' },
      text(' there'),
      { type: 'response.function_call_arguments.delta', item_id: 'f', output_index: 1, delta: ':1}' },
      { type: 'response.reasoning_summary_text.delta', item_id: 'r', summary_index: 0, delta: 'Hm.' },
      { type: 'response.audio.delta', delta: 'UklGRg==' },
      { type: 'response.output_text.done', ...place, text: 'Hello there' },
    ),
  ).toEqual(['look', 'Hello there', '{"at":1}', 'Hm.'])
  expect(
    said({
      output: [
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
        { type: 'message', content: [{ type: 'output_text', text: 'Hello there' }] },
        { type: 'function_call', name: 'look', arguments: '{"at":1}' },
      ],
    }),
  ).toEqual(['Hm.', 'Hello there', 'look', '{"at":1}'])
})

test.each([
  null,
  1,
  'x',
  [],
  {},
  { choices: [null, { delta: 3 }] },
  { type: 'a.delta', delta: 7 },
  { output: [1] },
])('the event %j says nothing and is no fault', (event) => {
  expect(said(event)).toEqual([])
})

test('a stream says the same however its bytes are cut, and half an event at its end says nothing', () => {
  const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 400,
  })
  fc.assert(
    fc.property(words, fc.constantFrom('\n\n', '\r\n\r\n'), fc.nat(5000), (pieces, end, size) => {
      const events = pieces.map((content) => `data: ${JSON.stringify(delta(0, { content }))}${end}`)
      const bytes = Buffer.from(
        `${events.join('')}: a comment${end}data: no json${end}data: {"choices":[{"index":0,"del`,
      )
      const stream = new SaidStream()
      for (let at = 0; at < bytes.length; at += size + 1) stream.keep(bytes.subarray(at, at + size + 1))
      expect(stream.texts()).toEqual([pieces.join('')])
    }),
  )
})

test.each([
  String.raw`{"choices":[{"index":0,"delta":{"content":"\u00zz"}}]}`,
  String.raw`{"choices":[{"index":0,"delta":{"content":"\q"}}]}`,
  '{"choices":[{"index":0,"delta":{"content":"\t"}}]}',
])('the event %s, which is no JSON, says nothing and is no fault', (event) => {
  const stream = new SaidStream()
  stream.keep(Buffer.from(`data: ${event}\n\ndata: {"choices":[{"index":0,"delta":{"content":"on"}}]}\n\n`))
  expect(stream.texts()?.join('').trim()).toBe('on')
})

test('an event that says something for several choices is read for all of them', () => {
  const stream = new SaidStream()
  const choices = [0, 1].map((index) => ({ index, delta: { content: `it ${index}` } }))
  stream.keep(Buffer.from(`data: ${JSON.stringify({ choices })}\n\n`))
  expect(stream.texts()).toEqual(['it 0', 'it 1'])
})

test('one event without an end is neither read nor kept for ever, and takes no time by its square', () => {
  const stream = new SaidStream()
  const piece = Buffer.alloc(16 * 1024, 'x')
  for (let i = 0; i < 4096; i++) stream.keep(piece)
  expect(stream.texts()).toBeNull()
})
