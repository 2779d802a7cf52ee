/**
 * The official clients against the fake: every endpoint, JSON and streaming, plain and Azure form.
 */
import OpenAI, { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from './server.ts'

let fake: FakeUpstream
let openai: OpenAI
let azureV1: OpenAI
let azure: AzureOpenAI

beforeAll(async () => {
  fake = await startFakeUpstream({ apiKey: 'sk-right' })
  const common = { apiKey: 'sk-right', maxRetries: 0 }
  openai = new OpenAI({ ...common, baseURL: `${fake.origin}/v1` })
  azureV1 = new OpenAI({ ...common, baseURL: `${fake.origin}/openai/v1` })
  azure = new AzureOpenAI({ ...common, endpoint: fake.origin, apiVersion: '2024-10-21' })
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

const messages = [{ role: 'user' as const, content: 'What is a token?' }]

async function gather<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const gathered: Item[] = []
  for await (const item of items) gathered.push(item)
  return gathered
}

test('chat completions answer in JSON with usage, the same way every time', async () => {
  const ask = () => openai.chat.completions.create({ model: 'gpt-4o', messages })
  const first = await ask()
  fake.reset()
  expect(await ask()).toEqual(first)
  expect(first.object).toBe('chat.completion')
  expect(first.model).toBe('gpt-4o-2024-08-06')
  expect(first.choices[0]?.message.content).toContain('What is a token?')
  expect(first.choices[0]?.finish_reason).toBe('stop')
  const completion = Math.ceil(Buffer.byteLength(first.choices[0]?.message.content ?? '') / 4)
  expect(first.usage).toMatchObject({
    prompt_tokens: 7,
    completion_tokens: completion,
    total_tokens: 7 + completion,
  })
})

test('a chat stream says the same text as the JSON answer, and usage only when asked', async () => {
  const whole = await openai.chat.completions.create({ model: 'm', messages })
  for (const include_usage of [true, false]) {
    const stream = await openai.chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      ...(include_usage ? { stream_options: { include_usage } } : {}),
    })
    const chunks = await gather(stream)
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')
    expect(text).toBe(whole.choices[0]?.message.content)
    const last = chunks.at(-1)
    if (include_usage) {
      expect(last).toMatchObject({ choices: [], usage: whole.usage })
      expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true)
    } else {
      expect(chunks.some((chunk) => 'usage' in chunk)).toBe(false)
      expect(last?.choices[0]?.finish_reason).toBe('stop')
    }
  }
})

test('limits on tokens are kept and n choices are billed together', async () => {
  const chat = await openai.chat.completions.create({ model: 'm', messages, n: 3, max_completion_tokens: 5 })
  expect(chat.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length', 'length'])
  expect(chat.usage?.completion_tokens).toBeLessThanOrEqual(15)
  expect(fake.record()[0]?.billed).toMatchObject({
    prompt: chat.usage?.prompt_tokens,
    completion: chat.usage?.completion_tokens,
  })
  const one = await openai.chat.completions.create({ model: 'm', messages, max_tokens: 1 })
  expect(one.usage?.completion_tokens).toBe(1)
})

test('a required tool is called, in JSON and in a stream', async () => {
  const tools = [
    {
      type: 'function' as const,
      function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
    },
  ]
  const asked = { model: 'm', messages, tools, tool_choice: 'required' as const }
  const chat = await openai.chat.completions.create(asked)
  const call = chat.choices[0]?.message.tool_calls?.[0]
  expect(call).toMatchObject({
    type: 'function',
    function: { name: 'weather', arguments: '{"city":"sample"}' },
  })
  expect(chat.choices[0]?.finish_reason).toBe('tool_calls')
  const streamed = await openai.chat.completions.stream(asked).finalChatCompletion()
  expect(streamed.choices[0]?.message.tool_calls?.[0]).toMatchObject({
    function: { arguments: '{"city":"sample"}' },
  })
  const response = await openai.responses.create({
    model: 'm',
    input: 'hi',
    tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false }],
    tool_choice: 'required',
  })
  expect(response.output[0]).toMatchObject({ type: 'function_call', name: 'weather', arguments: '{}' })
})

test('completions answer in JSON and in a stream', async () => {
  const asked = { model: 'm', prompt: ['one', 'two'], n: 2, max_tokens: 40 }
  const whole = await openai.completions.create(asked)
  expect(whole.choices).toHaveLength(4)
  const stream = await openai.completions.create({
    ...asked,
    stream: true,
    stream_options: { include_usage: true },
  })
  const texts = ['', '', '', '']
  let usage: unknown
  for await (const chunk of stream) {
    for (const choice of chunk.choices) texts[choice.index] += choice.text
    usage = chunk.usage ?? usage
  }
  expect(texts).toEqual(whole.choices.map((choice) => choice.text))
  expect(usage).toEqual(whole.usage)
})

test('embeddings are the same as floats and as base64, with the dimensions asked', async () => {
  const asked = { model: 'demo-embed', input: ['a', 'b'], dimensions: 8 }
  const viaBase64 = await openai.embeddings.create(asked)
  const viaFloats = await openai.embeddings.create({ ...asked, encoding_format: 'float' })
  expect(viaBase64.data[0]?.embedding).toHaveLength(8)
  expect(viaFloats.data[1]?.embedding).toEqual(Array.from(viaBase64.data[1]?.embedding ?? []))
  expect(viaFloats.data[0]?.embedding).not.toEqual(viaFloats.data[1]?.embedding)
  expect(viaFloats.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 })
})

test('responses answer in JSON and in named, numbered events', async () => {
  const whole = await openai.responses.create({ model: 'm', input: 'Tell me.' })
  expect(whole.status).toBe('completed')
  const events = await gather(await openai.responses.create({ model: 'm', input: 'Tell me.', stream: true }))
  expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index))
  expect([...new Set(events.map((event) => event.type))]).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
  const text = events
    .map((event) => (event.type === 'response.output_text.delta' ? event.delta : ''))
    .join('')
  expect(text).toBe(whole.output_text)
  const last = events.at(-1)
  expect(last?.type === 'response.completed' && last.response.usage).toEqual(whole.usage)
  const limited = await openai.responses.create({ model: 'm', input: 'Tell me.', max_output_tokens: 4 })
  expect(limited).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
})

test('moderations find what is flagged, and models are listed and retrieved', async () => {
  const verdict = await openai.moderations.create({ input: ['fine', 'flagged'] })
  expect(verdict.results.map((result) => result.flagged)).toEqual([false, true])
  const models = await gather(openai.models.list())
  expect(models.map((model) => model.id)).toContain('demo-chat')
  expect(await openai.models.retrieve('any/name at all')).toMatchObject({
    id: 'any/name at all',
    object: 'model',
  })
})

test('the Azure client works with deployments in the path, and v1 with them in the body', async () => {
  const stream_options = { include_usage: true }
  for (const [client, style] of [
    [azure, 'azure-dated'],
    [azureV1, 'azure-v1'],
  ] as const) {
    fake.reset()
    const { data, response } = await client.chat.completions
      .create({ model: 'my-dep', messages })
      .withResponse()
    expect(response.headers.get('x-ms-deployment-name')).toBe('my-dep')
    expect(response.headers.get('apim-request-id')).toBeTruthy()
    expect(response.headers.get('x-ratelimit-reset-tokens')).toBe('10')
    expect(data).toHaveProperty('prompt_filter_results')
    const stream = await client.chat.completions.create({
      model: 'my-dep',
      messages,
      stream: true,
      stream_options,
    })
    const chunks = await gather(stream)
    expect(chunks[0]).toMatchObject({ id: '', choices: [] })
    expect(chunks.at(-1)?.usage).toEqual(data.usage)
    await client.embeddings.create({ model: 'my-dep', input: 'x' })
    await client.completions.create({ model: 'my-dep', prompt: 'x' })
    await client.responses.create({ model: 'my-dep', input: 'x' })
    await gather(client.models.list())
    expect(fake.record().map((call) => [call.style, call.model, call.outcome])).toEqual([
      ...Array(5).fill([style, 'my-dep', 'complete']),
      [style, '', 'complete'],
    ])
  }
})

test('a wrong key is refused in the shape of the provider, and never written down', async () => {
  const wrong = openai.withOptions({ apiKey: 'sk-wrong' }).models.list()
  await expect(wrong).rejects.toMatchObject({ status: 401, code: 'invalid_api_key', param: null })
  const wrongAzure = azure
    .withOptions({ apiKey: 'sk-wrong' })
    .chat.completions.create({ model: 'd', messages })
  await expect(wrongAzure).rejects.toMatchObject({ status: 401, code: '401', type: undefined })
  expect(JSON.stringify(fake.record())).not.toContain('sk-wrong')
  expect(JSON.stringify(fake.record())).toContain('sha256:')
})
