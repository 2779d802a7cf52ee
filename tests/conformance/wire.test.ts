/** What goes over the wire, both ways: the provider's bytes, and nothing of the provider but its bytes. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROVIDER_SECRET, startGateway } from '../gateway/harness.ts'
import { type RawReply, send } from '../gateway/raw-client.ts'
import { API_VERSION, isFarAway, openTarget, type Target } from './target.ts'

let target: Target
beforeAll(async () => {
  target = await openTarget()
})
afterAll(() => target.close())

const messages = [{ role: 'user', content: 'Say héllo 🙂' }]
const CALLS: readonly (readonly [path: string, body: Record<string, unknown>])[] = [
  ['/v1/chat/completions', { model: 'gpt-4o', messages }],
  ['/v1/chat/completions', { model: 'v1.gpt-4o', messages, stream: true }],
  [
    '/v1/chat/completions',
    { model: 'dated.gpt-4o', messages, stream: true, stream_options: { include_usage: true } },
  ],
  ['/openai/v1/chat/completions', { model: 'gpt-4o', messages, stream: true }],
  [
    `/openai/deployments/dated.gpt-4o/chat/completions?api-version=${API_VERSION}`,
    { messages, stream: true },
  ],
  ['/v1/completions', { model: 'gpt-4o', prompt: 'x' }],
  ['/v1/completions', { model: 'gpt-4o', prompt: 'x', stream: true }],
  ['/v1/embeddings', { model: 'v1.demo-embed', input: 'x', dimensions: 64 }],
  ['/v1/responses', { model: 'gpt-4o', input: 'x' }],
  ['/v1/responses', { model: 'dated.gpt-4o', input: 'x', stream: true }],
  ['/v1/moderations', { input: 'x' }],
  ['/v1/chat/completions', { model: 'fail-400', messages }],
  ['/v1/chat/completions', { model: 'v1.content-filter', messages }],
]

/** What stands behind a stream whose cost is known. */
const COST_COMMENT = /^: headgate cost=\d+\.\d{9} currency=USD\n\n$/

const call = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  send(target.origin, {
    path,
    headers: { authorization: `Bearer ${target.key}`, ...headers },
    body: body as object,
  })

const servedLast = () => target.own?.fake.record().at(-1)

describe.skipIf(isFarAway).each(CALLS)('%s %o', (path, body) => {
  test('gives the provider’s bytes, but for the usage event nobody asked for, and then the cost', async () => {
    const reply = await call(path, body)
    const sent = servedLast()?.answer?.toString('latin1') ?? ''
    expect(sent.length).toBe(servedLast()?.bytesSent)
    const asked = body['stream'] === true && body['stream_options'] === undefined
    const expected = asked
      ? sent.replace(/data: \{[^\n]*"choices":\[\],[^\n]*"usage":\{[^\n]*\n\n/, '')
      : sent
    const passed = reply.body.toString('latin1')
    expect(passed.slice(0, expected.length) === expected).toBe(true)
    const behind = body['stream'] === true ? COST_COMMENT : /^$/
    expect(passed.slice(expected.length)).toMatch(behind)
  })

  test('sends the caller’s bytes on, but for the model’s name and the request for usage', async () => {
    const text = `{ "temperature" : 1.0e0 ,\t"metadata":{"k":"\\u00e9é"},${JSON.stringify(body).slice(1)}`
    await call(path, text)
    const arrived = servedLast()?.body?.toString() ?? ''
    expect(arrived.startsWith('{ "temperature" : 1.0e0 ,\t"metadata":{"k":"\\u00e9é"},')).toBe(true)
    const { model: _model, stream_options: _options, ...rest } = JSON.parse(arrived)
    const { model: _sent, stream_options: _asked, ...expected } = JSON.parse(text)
    expect(rest).toEqual(expected)
  })
})

describe.skipIf(isFarAway)('the same call through the gateway and directly', () => {
  test('gives the same bytes, with the cost behind a stream', async () => {
    const own = target.own
    if (own === null) return
    for (const body of [
      CALLS[0]?.[1],
      { model: 'gpt-4o', messages, stream: true, stream_options: { include_usage: true } },
    ]) {
      own.fake.reset()
      const through = await call('/v1/chat/completions', body)
      own.fake.reset()
      const headers = { authorization: `Bearer ${PROVIDER_SECRET}` }
      const direct = await send(own.fake.origin, {
        path: '/v1/chat/completions',
        headers,
        body: body as object,
      })
      const passed = through.body.subarray(0, direct.body.length)
      expect(passed.equals(direct.body)).toBe(true)
      const behind = 'stream' in (body ?? {}) ? COST_COMMENT : /^$/
      expect(through.body.subarray(direct.body.length).toString()).toMatch(behind)
      expect(through.headers['content-type']).toBe(direct.headers['content-type'])
      expect(through.status).toBe(direct.status)
    }
  })
})

const ALLOWED = [
  ...[
    'content-type',
    'content-length',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'date',
    'cache-control',
    'content-encoding',
  ],
  ...[
    'x-request-id',
    'openai-processing-ms',
    'openai-version',
    'retry-after',
    'retry-after-ms',
    'x-should-retry',
    'allow',
  ],
]
const foreign = (reply: RawReply) =>
  Object.keys(reply.headers).filter((it) => !ALLOWED.includes(it) && !/^x-(headgate|ratelimit)-/.test(it))

test('no header of the provider reaches the caller but those on the list, and the id is ours', async () => {
  for (const [path, body] of CALLS) {
    const reply = await call(path, body)
    expect(foreign(reply), path).toEqual([])
    expect(reply.headers['x-request-id']).toMatch(/^req_[0-9A-Z]{26}$/)
    expect(reply.headers['x-headgate-config-version']).toMatch(/^\d+$/)
  }
})

test('unknown paths are 404 and wrong methods 405, in the shape every client reads', async () => {
  for (const path of [
    '/',
    '/v1',
    '/v1/files',
    '/v1/chat/completions/',
    '/V1/models',
    '/v1//models',
    '/v1/%6dodels',
    '/admin',
    '/metrics',
  ]) {
    const reply = await call(path, {})
    expect(reply.status, path).toBe(404)
    expect(JSON.parse(reply.body.toString()).error).toMatchObject({
      code: 'unknown_endpoint',
      type: 'invalid_request_error',
    })
  }
  const wrong = await send(target.origin, { method: 'GET', path: '/v1/chat/completions' })
  expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST'])
})

test.skipIf(isFarAway)(
  'the provider sees no key of ours, no cookie, no address and no header that is not on the list',
  async () => {
    const sly = {
      ...{
        cookie: 'a=b',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'evil.test',
        forwarded: 'host=evil.test',
        via: 'x',
      },
      ...{
        'openai-organization': 'org',
        'x-custom-host': 'evil.test',
        'x-portkey-custom-host': 'evil.test',
        'proxy-authorization': 'x',
      },
      ...{
        'user-agent': 'secret-app',
        referer: 'http://inside',
        origin: 'http://inside',
        'x-request-id': 'caller-id-1',
        te: 'trailers',
      },
    }
    for (const [path, body] of CALLS) {
      await call(path, body, sly)
      const served = servedLast()
      const names = served?.headers.map(([name]) => name.toLowerCase()) ?? []
      const listed = [
        'host',
        'content-type',
        'content-length',
        'accept',
        'accept-encoding',
        'x-request-id',
        'x-headgate-hop',
        'authorization',
        'api-key',
        'openai-beta',
      ]
      expect(names.filter((it) => !listed.includes(it))).toEqual([])
      const written = JSON.stringify([served?.headers, served?.path, served?.body?.toString()])
      for (const secret of [target.key, 'evil.test', 'caller-id-1', '1.2.3.4'])
        expect(written).not.toContain(secret)
    }
  },
)

test.skipIf(isFarAway)(
  'no body, query or header moves the call or its credential to another host',
  async () => {
    const seen: string[] = []
    const trap = createServer((message, response) => {
      seen.push(message.url ?? '')
      response.end()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(trap.address() as AddressInfo).port}`
    const names = [
      'api_base',
      'base_url',
      'api_key',
      'azure_endpoint',
      'endpoint',
      'custom_llm_provider',
      'proxy',
      'extra_headers',
      'host',
    ]
    const before = target.own?.fake.record().length ?? 0
    for (const name of names) {
      const url = `http://${address}`
      const body = {
        model: 'gpt-4o',
        messages,
        [name]: url,
        metadata: { [name]: url },
        extra_body: { [name]: url },
      }
      await call(`/v1/chat/completions?${name}=${url}`, body, { [`x-${name.replaceAll('_', '-')}`]: url })
      await call('/v1/chat/completions', { model: 'gpt-4o', messages }, { host: address })
    }
    expect(seen).toEqual([])
    expect(target.own?.fake.record().length).toBe(before + 2 * names.length)
    trap.close()
  },
)

test.skipIf(isFarAway)('a redirect is never followed, whatever it leads to', async () => {
  let hits = 0
  const trap = createServer((_message, response) => {
    hits++
    response.end('{}')
  })
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
  const redirectTo = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
  await using gateway = await startGateway({ fake: { redirectTo } })
  for (const stream of [true, false]) {
    const headers = { authorization: `Bearer ${gateway.keys.normal}` }
    const reply = await send(gateway.origin, { headers, body: { model: 'redirect', messages, stream } })
    expect([reply.status, reply.headers['location']]).toEqual([502, undefined])
  }
  expect(hits).toBe(0)
  trap.close()
})

test.skipIf(isFarAway)('a gateway that was not told to allow it reaches nothing on loopback', async () => {
  await using gateway = await startGateway({ allowLoopbackUpstreams: false })
  const headers = { authorization: `Bearer ${gateway.keys.normal}` }
  const reply = await send(gateway.origin, { headers, body: { model: 'gpt-4o', messages } })
  expect(reply.status).toBe(502)
  expect(gateway.fake.record()).toEqual([])
})

test('limits are told in the headers OpenAI clients read', async () => {
  if (target.own === null) return
  const headers = { authorization: `Bearer ${target.own.keys.limited}` }
  for (const stream of [true, false]) {
    const reply = await send(target.origin, { headers, body: { model: 'gpt-4o', messages, stream } })
    for (const unit of ['requests', 'tokens']) {
      expect(Number(reply.headers[`x-ratelimit-limit-${unit}`])).toBeGreaterThan(0)
      expect(Number(reply.headers[`x-ratelimit-remaining-${unit}`])).toBeGreaterThan(0)
      expect(reply.headers[`x-ratelimit-reset-${unit}`]).toMatch(/^(\d+m)?\d+(ms|s)$/)
    }
  }
})
