/**
 * What a stream cost stands behind its last byte, in a comment. All bytes of the provider leave before it and as they
 * came; no client takes it for an event; and where the cost is not known, or the stream was cut, nothing is put in.
 */
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { rounds } from '../servers/rounds.ts'
import { startGateway, type TestGateway } from './harness.ts'
import { bareSocket, chatBody, open, requestText, send } from './raw-client.ts'

const COMMENT = /: headgate cost=(\d+\.\d{9}) currency=([A-Z]{3})\n\n$/
const messages = [{ role: 'user' as const, content: 'Say héllo 🙂' }]
const bearer = (gateway: TestGateway) => ({ authorization: `Bearer ${gateway.keys.normal}` })

/** What was before the comment, and the nanos in it; null where there is none. */
function split(body: Buffer | string): { before: string; nanos: number | null; currency: string | null } {
  const text = typeof body === 'string' ? body : body.toString('latin1')
  const found = COMMENT.exec(text)
  if (found === null) return { before: text, nanos: null, currency: null }
  const [, amount = '', currency = ''] = found
  return { before: text.slice(0, found.index), nanos: Number(amount.replace('.', '')), currency }
}

describe('over the fake upstream', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({
      fake: { keepAnswers: true },
      priced: ['crlf-events', 'huge-event', 'cut-mid-stream', 'cut-clean', 'no-usage', 'gzip', 'fail-400'],
    })
  })
  afterAll(() => gateway.stop())

  const client = () =>
    new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: gateway.keys.normal, maxRetries: 0 })

  /** Sends a call; gives the reply and its record. */
  async function ask(path: string, body: object) {
    const before = gateway.records().length
    const reply = await send(gateway.origin, { path, headers: bearer(gateway), body })
    return { reply, record: (await gateway.recordsWhen(before + 1))[before]! }
  }

  const withUsage = { stream_options: { include_usage: true } }
  test.each([
    ['/v1/chat/completions', { model: 'gpt-4o', messages }],
    ['/v1/chat/completions', { model: 'gpt-4o', messages, ...withUsage }],
    ['/v1/chat/completions', { model: 'crlf-events', messages, ...withUsage }],
    ['/v1/completions', { model: 'gpt-4o-mini', prompt: 'x' }],
    ['/v1/responses', { model: 'v1.gpt-4o', input: 'x' }],
    ['/openai/deployments/dated.gpt-4o/chat/completions?api-version=2024-10-21', { messages }],
  ])('a stream of %s %o tells behind the provider’s bytes what its record says', async (path, body) => {
    const { reply, record } = await ask(path, { ...body, stream: true })
    const { before, nanos, currency } = split(reply.body)
    const sent = gateway.fake.record().at(-1)?.answer?.toString('latin1') ?? ''
    const usageEvent = /data: \{[^\n]*"choices":\[\],[^\n]*"usage":\{[^\n]*\n\n/
    const isWithheld = !('stream_options' in body) && path !== '/v1/responses'
    expect(before === (isWithheld ? sent.replace(usageEvent, '') : sent)).toBe(true)
    expect(record).toMatchObject({
      outcome: 'succeeded',
      costNanos: nanos,
      currency,
      usageSource: 'reported',
    })
    expect(nanos).toBeGreaterThan(0)
    // What is ours is no part of what the provider is said to have sent.
    expect(record.replyBytes).toBe(before.length)
    const own = await send(gateway.origin, {
      ...{ method: 'GET', path: `/v1/headgate/requests/${record.requestId}`, headers: bearer(gateway) },
    })
    expect(JSON.parse(own.body.toString()).cost).toMatchObject({ nanos, currency })
  })

  test('the official client reads the same chunks, and ends when they end', async () => {
    const asked = { model: 'gpt-4o', messages, stream: true, ...withUsage } as const
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await client().chat.completions.create(asked)) chunks.push(chunk)
    expect(chunks.map((it) => it.choices[0]?.delta.content ?? '').join('')).toContain('héllo')
    expect(chunks.at(-1)?.usage?.total_tokens).toBeGreaterThan(0)
    const sent = gateway.fake.record().at(-1)?.answer?.toString() ?? ''
    expect(chunks).toHaveLength(sent.split('data: {').length - 1)
    const types: string[] = []
    for await (const event of await client().responses.create({ model: 'gpt-4o', input: 'x', stream: true }))
      types.push(event.type)
    expect(types.at(-1)).toBe('response.completed')
  })

  test.each([
    ['whose price is unknown', 'reasoning', 'succeeded'],
    ['whose usage nobody told', 'no-usage', 'succeeded'],
    ['that its provider compressed', 'gzip', 'succeeded'],
  ])('a stream %s ends with the provider’s last byte', async (_what, model, outcome) => {
    const { reply, record } = await ask('/v1/chat/completions', {
      model,
      messages,
      stream: true,
      ...withUsage,
    })
    expect(record).toMatchObject({ outcome, status: 200 })
    expect(reply.body.equals(gateway.fake.record().at(-1)?.answer as Buffer)).toBe(true)
  })

  test.each(['cut-mid-stream', 'cut-clean'])('a stream that is cut tells no cost: %s', async (model) => {
    const bare = bareSocket(gateway.origin)
    bare.socket.write(requestText(gateway.keys.normal, { body: chatBody(model, { stream: true }) }), 'latin1')
    await bare.closed
    expect(bare.text()).toContain('"code":"upstream_truncated"')
    expect(bare.text()).not.toContain(': headgate')
  })

  test('what is no event stream is left alone', async () => {
    const whole = await ask('/v1/chat/completions', { model: 'gpt-4o', messages })
    expect(JSON.parse(whole.reply.body.toString())).toMatchObject({ object: 'chat.completion' })
    const refused = await ask('/v1/chat/completions', { model: 'fail-400', messages, stream: true })
    expect([refused.reply.status, split(refused.reply.body).nanos]).toEqual([400, null])
  })

  test('the framing stays whole: a second stream follows on the same connection', async () => {
    const bare = bareSocket(gateway.origin)
    for (const nth of [1, 2]) {
      const body = chatBody('gpt-4o', { stream: true })
      bare.socket.write(requestText(gateway.keys.normal, { body }), 'latin1')
      await bare.until(() => bare.replies().length === nth)
    }
    bare.socket.destroy()
    for (const reply of bare.replies()) {
      expect(reply.headers['transfer-encoding']).toBe('chunked')
      const { before, nanos } = split(reply.body)
      expect(before.endsWith('data: [DONE]\n\n')).toBe(true)
      expect(nanos).toBeGreaterThan(0)
    }
  })

  test('a slow reader gets all of it, and the cost at the end', async () => {
    const body = chatBody('huge-event', { stream: true, n: 8 })
    const message = await open(gateway.origin, { headers: bearer(gateway), body })
    await vi.waitFor(() => expect(gateway.fake.record().at(-1)?.bytesSent).toBeGreaterThan(65_536))
    const pieces: Buffer[] = []
    for await (const piece of message) {
      pieces.push(piece as Buffer)
      await new Promise((resolve) => setImmediate(resolve))
    }
    const { before, nanos } = split(Buffer.concat(pieces))
    expect(before.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(before.length).toBeGreaterThan(8 * 1024 * 1024)
    expect(nanos).toBeGreaterThan(0)
  })
})

describe('over a provider that is a script', () => {
  let gateway: TestGateway
  let server: Server
  let script: (response: ServerResponse) => unknown = () => {}
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        void script(response)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const upstreamOrigin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    gateway = await startGateway({ upstreamOrigin })
  })
  afterEach(() => {
    script = () => {}
  })
  afterAll(async () => {
    await gateway.stop()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
  const chunk = (content: string) => event({ choices: [{ index: 0, delta: { content } }], usage: null })
  const usageEvent = event({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 34 } })
  const DONE = 'data: [DONE]\n\n'

  test('the provider’s last event does not wait for the cost, nor for the end of the body', async () => {
    let end = () => {}
    script = (response) => {
      response.write(chunk('all') + usageEvent + DONE)
      end = () => response.end()
    }
    const bare = bareSocket(gateway.origin)
    bare.socket.write(
      requestText(gateway.keys.normal, { body: chatBody('gpt-4o', { stream: true }) }),
      'latin1',
    )
    const early = await bare.until((it) => it.includes(DONE))
    expect(early).not.toContain(': headgate')
    end()
    await bare.until(() => bare.replies().length === 1)
    expect(split(bare.replies()[0]!.body)).toMatchObject({
      before: chunk('all') + DONE,
      nanos: expect.any(Number),
    })
    bare.socket.destroy()
  })

  test('a caller who leaves with the last event leaves one record, and nothing is written to nobody', async () => {
    let closed = false
    script = (response) => {
      response.write(chunk('all') + usageEvent + DONE)
      response.on('close', () => {
        closed = true
      })
    }
    const before = gateway.records().length
    const bare = bareSocket(gateway.origin)
    bare.socket.write(
      requestText(gateway.keys.normal, { body: chatBody('gpt-4o', { stream: true }) }),
      'latin1',
    )
    await bare.until((it) => it.includes(DONE))
    bare.socket.destroy()
    await vi.waitFor(() => expect(closed).toBe(true))
    const records = (await gateway.recordsWhen(before + 1)).slice(before)
    expect(records).toMatchObject([{ usageSource: 'reported', costState: 'priced' }])
    expect(bare.text()).not.toContain(': headgate')
  })

  /** The events that a client dispatches, by the event-stream format of the HTML standard. */
  function dispatched(text: string): string[] {
    const events: string[] = []
    let data: string[] = []
    for (const line of text.split(/\r\n|\n|\r/).slice(0, -1)) {
      if (line.startsWith('data:')) data.push(line.slice(5))
      if (line !== '') continue
      if (data.length > 0) events.push(data.join('\n'))
      data = []
    }
    return events
  }

  const parts = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }).map(chunk),
      fc.constantFrom(': comment\n\n', 'event: ping\ndata: {}\n\n', 'data: "usage"\n\n', 'id: 7\n\n', '\n\n'),
    ),
    { maxLength: 8 },
  )
  const tails = fc.oneof(
    { weight: 2, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('data: [DO', ': half a comment', 'event: x\ndata: y\n', '\r') },
  )

  test('whatever a provider sends, its bytes are all there in front, and clients read the same events', async () => {
    const cuts = fc.array(fc.nat(2000), { maxLength: 6 })
    const lineEnds = fc.constantFrom('\n', '\r\n')
    await fc.assert(
      fc.asyncProperty(parts, tails, cuts, lineEnds, fc.boolean(), async (some, tail, at, lineEnd, asked) => {
        const ended = (text: string) => Buffer.from(text.replaceAll('\n', lineEnd))
        const all = ended(some.join('') + usageEvent + DONE + tail)
        const expected = asked ? all : ended(some.join('') + DONE + tail)
        script = async (response) => {
          const places = [...new Set(at.map((it) => it % all.length))].sort((a, b) => a - b)
          for (const [i, to] of [...places, all.length].entries()) {
            response.write(all.subarray(places[i - 1] ?? 0, to))
            await new Promise((resolve) => setImmediate(resolve))
          }
          response.end()
        }
        const more = { stream: true, ...(asked && { stream_options: { include_usage: true } }) }
        const reply = await send(gateway.origin, { headers: bearer(gateway), body: chatBody('gpt-4o', more) })
        const { before, nanos } = split(reply.body)
        expect(before).toBe(expected.toString('latin1'))
        // Behind half an event it would be a part of it.
        expect(nanos !== null).toBe(tail === '')
        expect(dispatched(reply.body.toString('latin1'))).toEqual(dispatched(before))
      }),
      { numRuns: rounds(60) },
    )
  })
})
