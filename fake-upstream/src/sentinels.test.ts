/**
 * Every sentinel, over raw sockets where a client would hide what happened.
 */
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import OpenAI from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ServedCall } from './record.ts'
import { SENTINELS } from './sentinels.ts'
import { type FakeUpstream, startFakeUpstream } from './server.ts'

let fake: FakeUpstream

beforeAll(async () => {
  fake = await startFakeUpstream({ speed: 50 })
})
beforeEach(() => fake.reset())
afterAll(() => fake.close())

type Heard = { head: string; body: Buffer; chunks: Buffer[]; ended: 'closed' | 'reset' | 'silent' }
type Asked = { path?: string; stream?: boolean; silenceMs?: number; options?: Record<string, unknown> }

/** Sends one request on a fresh socket and listens to its end, or until it has been silent for `silenceMs`. */
function hear(model: string, asked: Asked = {}): Promise<Heard> {
  const { path = '/v1/chat/completions', stream = true, silenceMs, options = {} } = asked
  const body = JSON.stringify({
    model,
    messages: [{ role: 'user', content: 'hi' }],
    input: 'hi',
    ...(stream ? { stream } : {}),
    ...options,
  })
  return new Promise((resolve) => {
    const socket = connect(fake.port, '127.0.0.1')
    const chunks: Buffer[] = []
    const end = (ended: Heard['ended']) => {
      socket.destroy()
      const bytes = Buffer.concat(chunks)
      const split = bytes.indexOf('\r\n\r\n')
      const head = bytes.subarray(0, Math.max(0, split)).toString('latin1')
      const rest = bytes.subarray(split + 4)
      resolve({ head, body: /chunked/i.test(head) ? unchunk(rest) : rest, chunks, ended })
    }
    if (silenceMs !== undefined) socket.setTimeout(silenceMs, () => end('silent'))
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('close', (failed) => end(failed ? 'reset' : 'closed'))
    socket.on('error', () => {})
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
  })
}

/** The body of a chunked answer; `…` is put where the last chunk should have been. */
function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let rest = bytes
  for (;;) {
    const line = rest.indexOf('\r\n')
    const size = line < 0 ? Number.NaN : Number.parseInt(rest.subarray(0, line).toString(), 16)
    if (size === 0) return Buffer.concat(parts)
    if (Number.isNaN(size)) return Buffer.concat([...parts, Buffer.from('…')])
    parts.push(rest.subarray(line + 2, line + 2 + size))
    rest = rest.subarray(line + 2 + size + 2)
  }
}

const text = (heard: Heard) => heard.body.toString('utf8')
const cutOff = (heard: Heard) => text(heard).endsWith('…')

async function lastCall(): Promise<ServedCall> {
  for (;;) {
    const call = fake.record().at(-1)
    if (call !== undefined && call.outcome !== null) return call
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test.each([
  ['fail-400', 400, 'invalid_value'],
  ['fail-401', 401, 'invalid_api_key'],
  ['fail-403', 403, 'insufficient_permissions'],
  ['fail-404', 404, 'model_not_found'],
  ['fail-429', 429, 'rate_limit_exceeded'],
  ['fail-429-bare', 429, 'rate_limit_exceeded'],
  ['fail-quota', 429, 'insufficient_quota'],
  ['fail-500', 500, null],
  ['fail-503', 503, 'server_is_overloaded'],
])('%s answers %i and bills nothing', async (model, status, code) => {
  const heard = await hear(model)
  expect(heard.head).toContain(`HTTP/1.1 ${status} `)
  expect(JSON.parse(text(heard)).error.code).toBe(code)
  expect(await lastCall()).toMatchObject({ status, outcome: 'error', billed: { total: 0 } })
})

test('a 429 says when to come back, unless it is bare', async () => {
  expect((await hear('fail-429')).head).toMatch(/retry-after: 2\r\nretry-after-ms: 2000/)
  expect((await hear('fail-429-1500ms')).head).toMatch(/retry-after: 2\r\nretry-after-ms: 1500/)
  expect((await hear('demo-429')).head).toMatch(/retry-after-ms: 2000/)
  expect((await hear('fail-429-bare')).head).not.toMatch(/retry-after/)
})

test('Azure failures have the shape of its front door', async () => {
  const path = '/openai/deployments/fail-429/chat/completions?api-version=2024-10-21'
  const { error } = JSON.parse(text(await hear('ignored', { path })))
  expect(error).toEqual({ code: '429', message: expect.any(String) })
  const gone = JSON.parse(text(await hear('fail-404', { path: '/openai/v1/chat/completions' })))
  expect(gone.error.code).toBe('DeploymentNotFound')
})

test('content-filter is a 400 in the shape of Azure and bills the prompt', async () => {
  const { error } = JSON.parse(text(await hear('content-filter')))
  expect(error).toMatchObject({ code: 'content_filter', param: 'prompt', status: 400, type: null })
  expect(error.innererror.content_filter_result.violence).toEqual({ filtered: true, severity: 'high' })
  expect((await lastCall()).billed).toMatchObject({ prompt: expect.any(Number), completion: 0 })
  expect((await lastCall()).billed.prompt).toBeGreaterThan(0)
})

test('every third call to demo-flaky fails', async () => {
  const statuses: (number | null)[] = []
  for (let call = 0; call < 6; call++) {
    await hear('demo-flaky', { stream: false })
    statuses.push((await lastCall()).status)
  }
  expect(statuses).toEqual([200, 200, 500, 200, 200, 500])
})

test('redirect leads to another host', async () => {
  const heard = await hear('redirect')
  expect(heard.head).toMatch(
    /^HTTP\/1.1 302 [\s\S]*location: https:\/\/elsewhere\.invalid\/v1\/chat\/completions/i,
  )
})

test('stall says nothing, and the record tells when the client left', async () => {
  const heard = await hear('stall', { silenceMs: 400 })
  expect([heard.ended, heard.head]).toEqual(['silent', ''])
  const call = await lastCall()
  expect(call).toMatchObject({ outcome: 'client-gone', status: null, billed: { total: 0 } })
  expect(call.clientGoneAtMs).toBe(call.endedAtMs)
})

test('slow sentinels wait as long as their name says, divided by the speed', async () => {
  for (const model of [
    'slow-first-byte-2s',
    'stall-2s',
    'demo-slow',
    'slow-first-event-2s',
    'long-stream-2s',
  ]) {
    fake.reset()
    const heard = await hear(model)
    expect(text(heard)).toMatch(/data: \[DONE\]\n\n$/)
    const call = await lastCall()
    expect(call.outcome).toBe('complete')
    expect(call.endedAtMs! - call.startedAtMs).toBeGreaterThanOrEqual(38)
  }
})

test('stall-mid-stream sends N events and then nothing; with a duration it goes on', async () => {
  const heard = await hear('stall-mid-stream-3', { silenceMs: 400 })
  expect(heard.ended).toBe('silent')
  expect(text(heard).match(/data: /g)).toHaveLength(3)
  expect(await lastCall()).toMatchObject({ outcome: 'client-gone', eventsSent: 3 })
  expect(text(await hear('stall-mid-stream-3-100ms'))).toMatch(/\[DONE\]\n\n$/)
  const half = await hear('stall-mid-stream', { stream: false, silenceMs: 400 })
  expect(half.ended).toBe('silent')
  expect(half.body.length).toBe((await lastCall()).bytesSent)
})

test('cut-mid-stream breaks the connection after N events and bills only them', async () => {
  const heard = await hear('cut-mid-stream-4')
  expect(cutOff(heard)).toBe(true)
  expect(text(heard).match(/data: /g)).toHaveLength(4)
  const call = await lastCall()
  expect(call).toMatchObject({ outcome: 'cut', eventsSent: 4, bytesSent: heard.body.length - 3 })
  // One opening event, then three words.
  const words = [...text(heard).matchAll(/"content":"([^"]+)"/g)].map((match) => match[1]).join('')
  expect(call.billed.completion).toBe(Math.ceil(Buffer.byteLength(words) / 4))
})

test('cut-clean ends properly without finish_reason and [DONE]', async () => {
  const heard = await hear('cut-clean')
  expect(cutOff(heard)).toBe(false)
  expect(text(heard)).not.toMatch(/"finish_reason":"|\[DONE\]/)
  expect((await lastCall()).outcome).toBe('cut')
})

test('cut-json, bad-content-length and its text form lie about the length', async () => {
  const lengthOf = (heard: Heard) => /content-length: (.*)/.exec(heard.head)?.[1]
  const longer = await hear('cut-json', { stream: false })
  expect(Number(lengthOf(longer)) - longer.body.length).toBe(20)
  expect((await lastCall()).outcome).toBe('cut')
  const shorter = await hear('bad-content-length', { stream: false })
  expect(shorter.body.length - Number(lengthOf(shorter))).toBe(20)
  expect(lengthOf(await hear('bad-content-length-text', { stream: false }))).toMatch(/^\d+, or so$/)
})

test('early-reset breaks the connection before the head', async () => {
  const heard = await hear('early-reset')
  expect([heard.ended, heard.head]).toEqual(['reset', ''])
  expect(await lastCall()).toMatchObject({ outcome: 'cut', status: null })
})

test('error-in-stream carries the error of the endpoint, and is a 500 in JSON', async () => {
  const chat = text(await hear('error-in-stream-2'))
  expect(chat).toMatch(
    /data: {"error":{"message":"[^"]+","type":"server_error","param":null,"code":null}}\n\n$/,
  )
  expect(await lastCall()).toMatchObject({ status: 200, outcome: 'error' })
  const response = text(await hear('error-in-stream-2', { path: '/v1/responses' }))
  expect(response).toMatch(/event: error\ndata: {"type":"error",[^\n]+"sequence_number":2}\n\n$/)
  expect((await hear('error-in-stream', { stream: false })).head).toContain(' 500 ')
})

test('no-usage leaves usage out of JSON and stream, yet bills it', async () => {
  const options = { stream_options: { include_usage: true } }
  expect(text(await hear('no-usage', { options }))).not.toContain('"usage"')
  expect((await lastCall()).billed.total).toBeGreaterThan(0)
  expect(text(await hear('no-usage', { stream: false }))).not.toContain('"usage"')
  expect(JSON.parse(text(await hear('no-usage', { stream: false, path: '/v1/responses' }))).usage).toBeNull()
})

test('usage sentinels are exact, and can be joined', async () => {
  const heard = await hear('usage-1000-500+cached-400+reasoning-100', { stream: false })
  const usage = {
    prompt_tokens: 1000,
    completion_tokens: 500,
    total_tokens: 1500,
    prompt_tokens_details: { cached_tokens: 400 },
    completion_tokens_details: { reasoning_tokens: 100 },
  }
  expect(JSON.parse(text(heard)).usage).toMatchObject(usage)
  const plain = { written: 0, audioIn: 0, imageIn: 0, audioOut: 0 }
  const billed = { prompt: 1000, cached: 400, completion: 500, reasoning: 100, total: 1500, ...plain }
  expect((await lastCall()).billed).toEqual(billed)
  await hear('usage-1000-500+cached-400+reasoning-100', { path: '/v1/responses' })
  expect((await lastCall()).billed).toEqual(billed)
})

test('crlf-events end every line with CRLF', async () => {
  const body = text(await hear('crlf-events'))
  expect(body.replaceAll('\r\n', '')).not.toContain('\n')
  expect(body).toMatch(/data: \[DONE\]\r\n\r\n$/)
})

test('split-events are the same bytes, in more pieces, cut inside characters', async () => {
  const whole = text(await hear('m'))
  const split = await hear('split-events')
  expect(text(split).replaceAll('split-events', 'm').length).toBe(whole.length)
  expect(text(split)).toMatch(/\[DONE\]\n\n$/)
  const insideCharacter = split.chunks.some((chunk) => chunk.toString('utf8').includes('\ufffd'))
  expect(insideCharacter).toBe(true)
})

test('gzip comes unasked, in JSON and stream, and the record counts its bytes', async () => {
  for (const stream of [true, false]) {
    const heard = await hear('gzip', { stream })
    expect(heard.head).toMatch(/content-encoding: gzip/)
    expect(gunzipSync(heard.body).toString()).toMatch(stream ? /\[DONE\]\n\n$/ : /"usage"/)
    expect((await lastCall()).bytesSent).toBe(heard.body.length)
  }
})

test('azure-filter sends chunks without delta, before the text and after the finish', async () => {
  const body = text(await hear('azure-filter', { options: { stream_options: { include_usage: true } } }))
  const chunks = body.match(/(?<=data: ){.*/g)!.map((line) => JSON.parse(line))
  expect(chunks[0]).toMatchObject({
    id: '',
    model: '',
    choices: [],
    prompt_filter_results: expect.any(Array),
  })
  const finish = chunks.findIndex((chunk) => chunk.choices[0]?.finish_reason === 'stop')
  expect(chunks[finish + 1].choices[0]).toMatchObject({
    finish_reason: null,
    content_filter_offsets: expect.any(Object),
  })
  expect(chunks[finish + 1].choices[0]).not.toHaveProperty('delta')
  expect(chunks.at(-1).usage.total_tokens).toBeGreaterThan(0)
  const first = text(await hear('empty-first-choices')).split('\n\n')[0]!
  expect(JSON.parse(first.slice(6)).choices).toEqual([])
})

test('garbage-events hold every oddity and are still read whole by the official client', async () => {
  const heard = await hear('garbage-events')
  expect(text(heard)).toContain('\ufffd')
  expect(text(heard)).toMatch(/: a comment/)
  expect(text(heard)).toMatch(/event: provider\.unknown\r\n/)
  const client = new OpenAI({ apiKey: 'k', baseURL: `${fake.origin}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'hi' }]
  const read = async (model: string) => {
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    let said = ''
    for await (const chunk of stream) said += chunk.choices?.[0]?.delta?.content ?? ''
    return said
  }
  expect(await read('garbage-events')).toBe(await read('m'))
  await expect(read('garbage-json')).rejects.toThrow()
})

test('huge-event is one event of more than 1 MiB', async () => {
  const events = text(await hear('huge-event')).split('\n\n')
  expect(events.filter((event) => event.length > 1024 * 1024)).toHaveLength(1)
  expect((await lastCall()).billed.completion).toBe(262_144)
})

test('a client that leaves mid-stream stops the production', async () => {
  const heard = await hear('stall-mid-stream-2+long-stream-1m', { silenceMs: 400 })
  expect(heard.ended).toBe('silent')
  const call = await lastCall()
  expect(call).toMatchObject({ outcome: 'client-gone', eventsSent: 2 })
  expect(call.billed.completion).toBeGreaterThan(0)
  expect(call.billed.completion).toBeLessThan(5)
})

test('a client that does not read holds the production up', async () => {
  const body = JSON.stringify({
    model: 'huge-event',
    n: 100,
    stream: true,
    messages: [{ role: 'user', content: 'hi' }],
  })
  const socket = connect(fake.port, '127.0.0.1')
  socket.pause()
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await new Promise((resolve) => setTimeout(resolve, 300))
  const sent = fake.record()[0]!.bytesSent
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThan(50 * 1024 * 1024)
  expect(fake.record()[0]!.outcome).toBeNull()
  socket.destroy()
  expect((await lastCall()).outcome).toBe('client-gone')
})

test('every sentinel is listed in the README', async () => {
  const { readFile } = await import('node:fs/promises')
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  for (const { name } of SENTINELS) expect(readme).toContain(`\`${name}`)
})
