/** Usage as providers report it, and as a hostile one might. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { readUsage, usageOfEvent, usageOfReply } from './usage.ts'

const tokensOf = (usage: unknown) => readUsage({ usage })?.tokens ?? null
const detailsOf = (usage: unknown, more: object = {}) => readUsage({ usage, ...more })?.details

test('both namings of usage are read, with their details', () => {
  const chat = {
    prompt_tokens: 10,
    completion_tokens: 20,
    prompt_tokens_details: { cached_tokens: 4 },
    completion_tokens_details: { reasoning_tokens: 5 },
  }
  expect(tokensOf(chat)).toEqual({ input: 10, cachedInput: 4, output: 20, reasoning: 5 })
  const responses = {
    input_tokens: 10,
    output_tokens: 20,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens_details: { reasoning_tokens: 5 },
  }
  expect(tokensOf(responses)).toEqual(tokensOf(chat))
  expect(tokensOf({ prompt_tokens: 8, total_tokens: 8 })).toMatchObject({ input: 8, output: 0 })
})

test('figures that cannot be counts are not believed', () => {
  for (const wrong of [
    -1,
    1.5,
    1e308,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '12',
    null,
    {},
    [],
    true,
    1e10,
  ]) {
    expect(tokensOf({ prompt_tokens: wrong, completion_tokens: 1 }), String(wrong)).toBeNull()
    if (wrong === null) continue
    expect(tokensOf({ prompt_tokens: 1, completion_tokens: wrong }), String(wrong)).toBeNull()
  }
  for (const wrong of [null, undefined, 1, 'usage', [], {}, true]) expect(tokensOf(wrong)).toBeNull()
})

test('a part is never larger than its whole', () => {
  const value = {
    prompt_tokens: 10,
    completion_tokens: 2,
    prompt_tokens_details: { cached_tokens: 1000 },
    completion_tokens_details: { reasoning_tokens: 1000 },
  }
  expect(tokensOf(value)).toEqual({ input: 10, cachedInput: 10, output: 2, reasoning: 2 })
})

test('whatever JSON calls itself usage, what is read of it are counts or nothing', () => {
  const keys = ['prompt_tokens', 'completion_tokens', 'input_tokens', 'output_tokens'] as const
  const figure = fc.oneof(fc.double(), fc.integer(), fc.jsonValue())
  const details = fc.oneof(figure, fc.record({ cached_tokens: figure, reasoning_tokens: figure }))
  const figures = Object.fromEntries(keys.map((key) => [key, figure]))
  const usage = fc.record(
    { ...figures, prompt_tokens_details: details, completion_tokens_details: details },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(usage, (value) => {
      const read = tokensOf(value)
      if (read === null) return
      for (const count of Object.values(read)) expect(Number.isInteger(count) && count >= 0).toBe(true)
      expect(read.cachedInput).toBeLessThanOrEqual(read.input)
      expect(read.reasoning).toBeLessThanOrEqual(read.output)
    }),
    { numRuns: rounds(1000) },
  )
})

test('only the top level of a reply counts', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  expect(usageOfReply(Buffer.from(JSON.stringify({ usage })), [])?.tokens).toMatchObject({
    input: 3,
    output: 4,
  })
  expect(usageOfReply(Buffer.from(JSON.stringify({ tools: [{ usage }] })), [])).toBeNull()
  for (const text of ['', '[]', '{"usage":', '<html>', '\xff']) {
    expect(usageOfReply(Buffer.from(text, 'latin1'), []), text).toBeNull()
  }
})

test('a reply of a hundred megabytes of numbers is still read for its usage', () => {
  const row = `[${'0.123456789012345,'.repeat(3071)}0.1]`
  const vectors = `[${Array(400).fill(`{"embedding":${row}}`).join(',')}]`
  const reply = Buffer.from(`{"data":${vectors},"usage":{"prompt_tokens":9,"total_tokens":9}}`)
  expect(usageOfReply(reply, [])?.tokens.input).toBe(9)
})

test('an event is bare when it holds usage and no choices', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4 }
  expect(usageOfEvent({ choices: [], usage })?.bare).toBe(true)
  expect(usageOfEvent({ choices: [{}], usage })?.bare).toBe(false)
  expect(usageOfEvent({ type: 'response.completed', response: { usage } })?.bare).toBe(false)
  expect(usageOfEvent({ type: 'other', response: { usage } })).toBeNull()
  for (const nothing of [null, 1, 'x', [], {}, { usage: null }]) expect(usageOfEvent(nothing)).toBeNull()
})

test('sound, pictures, cache writes and hosted tools are told apart, in all their namings', () => {
  const inputParts = {
    cached_tokens: 40,
    cache_write_tokens: 30,
    cache_write_tokens_details: { ttl_30m_tokens: 20, ttl_12h_tokens: 10 },
    audio_tokens: 15,
    image_tokens: 5,
    cached_tokens_details: { audio_tokens: 4, image_tokens: 3, text_tokens: 33 },
  }
  const read = {
    ...{ cacheWrite: 20, cacheWriteLong: 10, inputAudio: 15, inputImage: 5, cachedAudio: 4, cachedImage: 3 },
    ...{ outputAudio: 7, outputImage: 2 },
  }
  const outputParts = { audio_tokens: 7, image_tokens: 2, reasoning_tokens: 1 }
  for (const [input, output, details] of [
    ['prompt_tokens', 'completion_tokens', 'tokens_details'],
    ['input_tokens', 'output_tokens', 'tokens_details'],
    ['input_tokens', 'output_tokens', 'token_details'],
  ] as const) {
    const usage = {
      ...{ [input]: 100, [output]: 20 },
      [`${input.replace('_tokens', '')}_${details}`]: inputParts,
      [`${output.replace('_tokens', '')}_${details}`]: outputParts,
    }
    expect(detailsOf(usage), details).toEqual(read)
    expect(tokensOf(usage)).toEqual({ input: 100, cachedInput: 40, output: 20, reasoning: 1 })
  }
  const tools = { web_search: { num_requests: 3 }, image_gen: { input_tokens: 9, output_tokens: 8 } }
  expect(detailsOf({ input_tokens: 1, output_tokens: 1 }, { tool_usage: tools })).toEqual({
    ...{ webSearches: 3, toolImageInput: 9, toolImageOutput: 8 },
  })
  expect(
    detailsOf({ input_tokens: 1, output_tokens: 1, input_tokens_details: { text_tokens: 1 } }),
  ).toBeNull()
})

test('searches of files and containers of code are counted in the items of a response, as often as they are there', () => {
  const of = (reply: object) =>
    usageOfReply(Buffer.from(JSON.stringify(reply)), ['service_tier', 'tool_usage'])?.details
  const code = (container_id?: string) => ({ type: 'code_interpreter_call', code: 'print(1)', container_id })
  const search = { type: 'file_search_call', queries: ['"type":"file_search_call"'] }
  const output = [
    search,
    code('cntr_1'),
    { type: 'message', content: [] },
    code('cntr_1'),
    search,
    code('cntr_2'),
  ]
  const usage = { input_tokens: 9, output_tokens: 8 }
  for (const padding of ['', 'x'.repeat(50_000)]) {
    expect(of({ id: 'r', output: [...output, padding], usage })).toEqual({
      fileSearches: 2,
      codeContainers: 2,
    })
    expect(of({ usage, output: [padding, ...output] })).toEqual({ fileSearches: 2, codeContainers: 2 })
    const planted = { output, a: 'file_search_call', b: ['code_interpreter_call', '"file_search_call"'] }
    expect(of({ id: 'r', output: [padding], metadata: planted, usage })).toBeNull()
  }
  expect(
    of({ output: [code(), code(), 'file_search_call', null, { type: 'code_interpreter_call' }], usage }),
  ).toEqual({
    codeContainers: 3,
  })
  const done = { type: 'response.completed', response: { output, usage } }
  expect(usageOfEvent(done)?.usage.details).toEqual({ fileSearches: 2, codeContainers: 2 })
})

test('vector pictures are billed by the model that drew them', () => {
  const svg_usage = {
    model: 'svg-1',
    input_tokens: 5,
    output_tokens: 70,
    reasoning_tokens: 9,
    total_tokens: 75,
  }
  const reply = { created: 1, data: [], usage: { input_tokens: 1, output_tokens: 1 }, svg_usage }
  expect(usageOfReply(Buffer.from(JSON.stringify(reply)), ['svg_usage'])?.details).toEqual({
    ...{ svgInput: 5, svgOutput: 70 },
  })
})

test('a length is read as milliseconds, rounded up, wherever an answer tells it', () => {
  const of = (text: string) => usageOfReply(Buffer.from(text), [])?.details
  expect(of('{"text":"hi","usage":{"type":"duration","seconds":8.0001}}')).toEqual({ inputAudioMs: 8001 })
  expect(of('{"text":"hi","duration":8.47}')).toEqual({ inputAudioMs: 8470 })
  expect(of('{"text":"hi","duration":"3"}')).toEqual({ inputAudioMs: 3000 })
  for (const wrong of ['-1', '1e12', '"x"', 'null', '{}'])
    expect(of(`{"duration":${wrong}}`), wrong).toBeUndefined()
})

test('pictures without usage are counted, and a caller cannot write more of them into an answer', () => {
  const picture = { b64_json: 'aGVsbG8=', revised_prompt: 'a cat that says "b64_json": "x"' }
  for (const padding of [0, 20_000]) {
    const data = [picture, { ...picture, b64_json: 'A'.repeat(padding) }]
    const reply = Buffer.from(JSON.stringify({ created: 1, data }))
    expect(usageOfReply(reply, [])?.details).toEqual({ images: 2 })
  }
  expect(usageOfReply(Buffer.from('{"data":[{"url":"https://a/1"}]}'), [])?.details).toEqual({ images: 1 })
})

test('the service tier is that of the top level, before usage or behind it, however deep another is planted', () => {
  const usage = { input_tokens: 3, output_tokens: 4 }
  const planted = { service_tier: 'flex', usage: { input_tokens: 0, output_tokens: 0 } }
  const tiers = [
    { id: 'x', service_tier: 'priority', tools: [], usage, user: null },
    { id: 'x', usage, service_tier: 'priority' },
    { service_tier: 'priority', metadata: planted, usage },
    { service_tier: 'priority', usage, metadata: planted },
    { metadata: planted, service_tier: 'priority', usage },
    { service_tier: 'priority', output: ['x'.repeat(50_000)], metadata: planted, usage },
    { service_tier: 'priority', output: ['x'.repeat(50_000)], usage, metadata: planted },
  ]
  for (const reply of tiers) {
    const read = usageOfReply(Buffer.from(JSON.stringify(reply)), ['service_tier', 'tool_usage'])
    expect(read).toMatchObject({ tokens: { input: 3, output: 4 }, serviceTier: 'priority' })
  }
  for (const reply of [
    { metadata: planted, usage },
    { usage, metadata: planted },
  ]) {
    expect(usageOfReply(Buffer.from(JSON.stringify(reply)), ['service_tier'])?.serviceTier).toBeNull()
  }
})
