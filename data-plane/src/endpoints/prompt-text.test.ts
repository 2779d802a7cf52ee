/** What a request is billed for as its prompt: the very text, its frame, and a figure for what is no text. */
import { countTokens, encodeChat } from 'gpt-tokenizer/model/gpt-4o'
import { expect, test } from 'vitest'
import { prompts } from '../../../tests/pricing/prompts.ts'
import { promptText } from './prompt-text.ts'

type Endpoint = Parameters<typeof promptText>[0]

const tokensOf = (endpoint: Endpoint, body: unknown) => {
  const { texts, fixedTokens } = promptText(endpoint, body)
  return texts.reduce((sum, text) => sum + countTokens(text), fixedTokens)
}

test('a conversation is what the model is given: its texts, roles and the frame round them', () => {
  for (const { text } of prompts.slice(0, 60)) {
    const messages = [
      { role: 'system', content: 'You are brief.' },
      { role: 'user', content: text },
      { role: 'assistant', content: 'So be it.' },
      { role: 'user', content: `${text} Why?` },
    ] as const
    expect(tokensOf('chat.completions', { model: 'gpt-4o', messages })).toBe(encodeChat([...messages]).length)
  }
  const hello = [{ role: 'user', content: 'Hello' }]
  expect(tokensOf('chat.completions', { messages: hello })).toBe(8)
  expect(tokensOf('responses', { input: 'Hello' })).toBe(8)
  expect(tokensOf('responses', { input: hello })).toBe(8)
  expect(tokensOf('responses', { instructions: 'Hello', input: 'Hello' })).toBe(8 + 5)
})

test('parts of a message, calls of tools and their results, and tools are text; names of types and ids are not', () => {
  const { texts } = promptText('chat.completions', {
    model: 'gpt-4o',
    messages: [
      { role: 'user', name: 'ada', content: [{ type: 'text', text: 'What is it?' }] },
      {
        role: 'assistant',
        content: null,
        refusal: 'No.',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'nothing' },
    ],
    tools: [{ type: 'function', function: { name: 'look' } }],
    response_format: { type: 'json_schema', json_schema: { name: 'reply' } },
    user: 'not for the model',
    metadata: { note: 'nor this' },
  })
  expect(texts).toEqual([
    ...['user', 'ada', 'What is it?', 'assistant', 'No.', 'look', '{"at":1}', 'tool', 'nothing'],
    ...['[{"type":"function","function":{"name":"look"}}]', '{"name":"reply"}'],
  ])
  expect(
    promptText('responses', {
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Look.' }] },
        { type: 'function_call', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'nothing' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [{ type: 'summary_text', text: 'Hm.' }],
          encrypted_content: 'xyz',
        },
      ],
    }).texts,
  ).toEqual(['user', 'Look.', 'look', '{}', 'nothing', 'Hm.'])
})

test('pictures, sound and files are a figure each and never text, whatever their bytes', () => {
  const bytes = 'A'.repeat(100_000)
  const only = (part: unknown) => {
    const { texts, fixedTokens } = promptText('chat.completions', {
      messages: [{ role: 'user', content: [part] }],
    })
    expect(texts).toEqual(['user'])
    return fixedTokens - 6
  }
  const url = `data:image/png;base64,${bytes}`
  expect(only({ type: 'image_url', image_url: { url } })).toBe(1000)
  expect(only({ type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } })).toBe(85)
  expect(only({ type: 'input_image', image_url: url, detail: 'low' })).toBe(85)
  expect(only({ type: 'input_audio', input_audio: { data: bytes, format: 'wav' } })).toBe(1000)
  expect(only({ type: 'file', file: { file_data: `data:application/pdf;base64,${bytes}` } })).toBe(1000)
  // Where it is said to be text, it is an inline file all the same, as it is for the estimate.
  expect(only({ type: 'text', text: url })).toBe(1000)
})

test('prompts and inputs are texts, lists of them, or tokens', () => {
  expect(tokensOf('completions', { prompt: 'Hello' })).toBe(1)
  expect(tokensOf('completions', { prompt: ['Hello', 'Hello'], suffix: 'Hello' })).toBe(3)
  expect(tokensOf('completions', { prompt: [1, 2, 3] })).toBe(3)
  expect(tokensOf('embeddings', { input: [[1, 2], [3]] })).toBe(3)
  expect(tokensOf('embeddings', { input: ['Hello'], dimensions: 512 })).toBe(1)
})

test.each([null, 'x', 1, [], {}, { messages: null }, { messages: [null, 1, 'x', []] }, { tools: 'x' }])(
  'the body %j, which a provider would refuse, is no fault',
  (body) => {
    expect(() => promptText('chat.completions', body)).not.toThrow()
  },
)
