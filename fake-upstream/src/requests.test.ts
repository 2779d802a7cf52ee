/**
 * Requests that are wrong, the headers of those that are right, and the record's own pages.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type FakeUpstream, startFakeUpstream } from './server.ts'

let fake: FakeUpstream

beforeAll(async () => {
  fake = await startFakeUpstream({ keepAnswers: true })
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

const CHAT = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; error: Record<string, unknown> }> {
  const response = await fetch(fake.origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const { error } = (await response.json()) as { error: Record<string, unknown> }
  return { status: response.status, headers: response.headers, error }
}

test.each([
  ['a missing model', '/v1/chat/completions', { messages: [] }, { param: null, message: /model parameter/ }],
  ['missing messages', '/v1/chat/completions', { model: 'm' }, { param: 'messages' }],
  ['empty messages', '/v1/chat/completions', { model: 'm', messages: [] }, { param: 'messages' }],
  [
    'a message without role',
    '/v1/chat/completions',
    { model: 'm', messages: [{}] },
    { param: 'messages[0].role' },
  ],
  ['broken JSON', '/v1/chat/completions', '{"model":', { message: /could not parse/ }],
  ['a list as body', '/v1/chat/completions', '[]', { message: /expected an object/ }],
  ['a text as n', '/v1/chat/completions', { ...CHAT, n: '2' }, { param: 'n', code: 'invalid_type' }],
  [
    'tool_choice without tools',
    '/v1/chat/completions',
    { ...CHAT, tool_choice: 'required' },
    { param: 'tool_choice' },
  ],
  [
    'stream_options without stream',
    '/v1/chat/completions',
    { ...CHAT, stream_options: {} },
    { param: 'stream_options' },
  ],
  ['missing input', '/v1/embeddings', { model: 'm' }, { param: 'input' }],
  ['missing input of a response', '/v1/responses', { model: 'm' }, { param: 'input' }],
  ['missing input of a moderation', '/v1/moderations', {}, { param: 'input' }],
  ['best_of below n', '/v1/completions', { model: 'm', n: 2, best_of: 1 }, { param: 'best_of' }],
])('%s is a 400 with all four keys of the OpenAI shape', async (_, path, body, expected) => {
  const { status, error } = await post(path, body)
  expect(status).toBe(400)
  expect(Object.keys(error)).toEqual(['message', 'type', 'param', 'code'])
  const { message, ...rest } = expected as { message?: RegExp }
  expect(error).toMatchObject({ type: 'invalid_request_error', ...rest })
  if (message !== undefined) expect(error['message']).toMatch(message)
})

test('a wrong content type, path, method or missing api-version is refused', async () => {
  const typed = await post('/v1/chat/completions', CHAT, { 'content-type': 'text/plain' })
  expect(typed).toMatchObject({ status: 400, error: { code: 'unsupported_content_type' } })
  const lost = await post('/v1/nothing', CHAT)
  expect(lost).toMatchObject({ status: 404, error: { type: 'invalid_request_error' } })
  const method = await fetch(`${fake.origin}/v1/chat/completions`)
  expect([method.status, method.headers.get('allow')]).toEqual([405, 'POST'])
  const undated = await post('/openai/deployments/d/chat/completions', CHAT)
  expect(undated).toMatchObject({ status: 404, error: { code: '404' } })
  const moderation = await post('/openai/v1/moderations', { input: 'x' })
  expect(moderation.status).toBe(404)
  expect(fake.record().map((call) => call.outcome)).toEqual(Array(5).fill('error'))
})

test('OpenAI answers carry its headers, with resets as durations', async () => {
  const { headers } = await post('/v1/chat/completions', CHAT)
  for (const name of ['x-request-id', 'openai-processing-ms', 'openai-organization', 'openai-version']) {
    expect(headers.get(name), name).toBeTruthy()
  }
  expect(headers.get('x-ratelimit-reset-tokens')).toBe('6m0s')
  expect(headers.get('set-cookie')).toBeTruthy()
  expect(headers.get('server')).toBe('fake-upstream')
  expect(headers.get('apim-request-id')).toBeNull()
})

test('the record holds what was received and what was sent, byte for byte', async () => {
  const body = JSON.stringify({ ...CHAT, stream: true })
  const response = await fetch(`${fake.origin}/v1/chat/completions?x=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer secret', 'x-own': 'kept' },
    body,
  })
  const sent = Buffer.from(await response.arrayBuffer())
  const [call] = fake.record()
  expect(call).toMatchObject({
    sequence: 1,
    method: 'POST',
    path: '/v1/chat/completions?x=1',
    style: 'openai',
    endpoint: 'chat-completions',
    model: 'm',
    bodyBytes: body.length,
    stream: true,
    status: 200,
    bytesSent: sent.length,
    eventsSent: sent.toString().split('\n\n').length - 1,
    outcome: 'complete',
    clientGoneAtMs: null,
  })
  expect(call?.body?.toString()).toBe(body)
  expect(call?.answer).toEqual(sent)
  const headers = Object.fromEntries(call?.headers ?? [])
  expect(headers['x-own']).toBe('kept')
  expect(headers['authorization']).toMatch(/^sha256:[0-9a-f]{12}$/)
})

test('the record is read and emptied over HTTP', async () => {
  await post('/v1/chat/completions', CHAT)
  const page = await fetch(`${fake.origin}/__record`)
  const { calls } = (await page.json()) as { calls: { sequence: number; body: string }[] }
  expect(calls).toHaveLength(1)
  expect(JSON.parse(Buffer.from(calls[0]!.body, 'base64').toString())).toEqual(CHAT)
  expect(await (await fetch(`${fake.origin}/__record?since=1`)).json()).toEqual({ calls: [], dropped: 0 })
  expect((await fetch(`${fake.origin}/__record`, { method: 'DELETE' })).status).toBe(204)
  expect(fake.record()).toEqual([])
  expect(await (await fetch(`${fake.origin}/__health`)).json()).toEqual({ status: 'ok' })
  expect((await fetch(`${fake.origin}/__nothing`)).status).toBe(404)
})

test('a record that is full drops its oldest calls', async () => {
  const small = await startFakeUpstream({ recordMax: 20 })
  for (let call = 0; call < 50; call++) await (await fetch(`${small.origin}/v1/models`)).text()
  const sequences = small.record().map((call) => call.sequence)
  expect(sequences.length).toBeLessThanOrEqual(20)
  expect(sequences.at(-1)).toBe(50)
  await small.close()
})

test('options that make no sense are named', async () => {
  await expect(startFakeUpstream({ speed: 0 })).rejects.toThrow('speed must be above 0')
  await expect(startFakeUpstream({ recordMax: 0 })).rejects.toThrow('recordMax')
  await expect(startFakeUpstream({ port: fake.port })).rejects.toThrow(`Port ${fake.port}`)
})
