/** What an answer is billed for: all its text, put together place by place, and nothing else. */
import { expect, test } from 'vitest'
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
