/** Whatever becomes of a call, it leaves exactly one usage record, which says what the caller was told. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startGateway, type TestGateway } from './harness.ts'
import { chatBody, send } from './raw-client.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway({ models: ['usage-1000-500'] })
})
afterAll(() => gateway.stop())

type Row = {
  readonly sends: () => Parameters<typeof send>[1]
  readonly status: number
  readonly record: Record<string, unknown>
}

const call =
  (body: unknown, key = gateway.keys.normal, more: object = {}) =>
  () => ({
    headers: { authorization: `Bearer ${key}` },
    body: body as string,
    ...more,
  })
const none = {
  usageSource: 'none',
  costState: 'none',
  tokens: { input: 0, output: 0, cachedInput: 0, reasoning: 0 },
}
const refused = (status: number, errorCode: string, more: object = {}) => ({
  status,
  record: { status, errorCode, outcome: 'refused', attempt: 0, deploymentId: null, ...none, ...more },
})
const failed = (status: number, errorCode: string, more: object = {}) => ({
  status,
  record: { status, errorCode, outcome: 'failed', attempt: 1, ...none, ...more },
})

const ROWS: readonly (readonly [string, () => Row])[] = [
  [
    'a call that is served',
    () => ({
      sends: call(chatBody('gpt-4o')),
      status: 200,
      record: {
        outcome: 'succeeded',
        status: 200,
        errorCode: null,
        usageSource: 'reported',
        costState: 'priced',
        alias: 'gpt-4o',
        upstreamModel: 'gpt-4o',
        stream: false,
        endpoint: 'chat.completions',
        attempt: 1,
      },
    }),
  ],
  [
    'a served stream',
    () => ({
      sends: call(chatBody('gpt-4o', { stream: true })),
      status: 200,
      record: { outcome: 'succeeded', usageSource: 'reported', stream: true, costState: 'priced' },
    }),
  ],
  [
    'a model without a price',
    () => ({
      sends: call(chatBody('demo-chat-large', { max_tokens: 4 })),
      status: 200,
      record: { outcome: 'succeeded', costState: 'unknown', costNanos: null },
    }),
  ],
  [
    'a list of models',
    () => ({
      sends: () => ({ ...call(undefined)(), method: 'GET', path: '/v1/models' }),
      status: 200,
      record: { outcome: 'succeeded', endpoint: 'models.list', ...none },
    }),
  ],
  [
    'an unknown path',
    () => ({
      sends: call('{}', gateway.keys.normal, { path: '/v1/files' }),
      ...refused(404, 'unknown_endpoint', { keyId: null, endpoint: 'unknown' }),
    }),
  ],
  [
    'a wrong method',
    () => ({
      sends: () => ({ ...call(undefined)(), method: 'DELETE', path: '/v1/models/gpt-4o' }),
      ...refused(405, 'method_not_allowed'),
    }),
  ],
  [
    'no key',
    () => ({
      sends: () => ({ body: chatBody('gpt-4o') }),
      ...refused(401, 'key_missing', { keyId: null, endpoint: 'chat.completions' }),
    }),
  ],
  [
    'a key that is none',
    () => ({ sends: call(chatBody('gpt-4o'), 'sk-1234'), ...refused(401, 'key_invalid', { keyId: null }) }),
  ],
  [
    'an unknown key',
    () => ({
      sends: call(chatBody('gpt-4o'), gateway.keys.unknown),
      ...refused(401, 'key_invalid', { keyId: null }),
    }),
  ],
  [
    'an expired key',
    () => ({ sends: call(chatBody('gpt-4o'), gateway.keys.expired), ...refused(401, 'key_expired') }),
  ],
  [
    'a revoked key',
    () => ({ sends: call(chatBody('gpt-4o'), gateway.keys.revoked), ...refused(401, 'key_revoked') }),
  ],
  [
    'a disabled key',
    () => ({ sends: call(chatBody('gpt-4o'), gateway.keys.disabled), ...refused(401, 'key_disabled') }),
  ],
  [
    'an unknown model',
    () => ({ sends: call(chatBody('nobody-has-this')), ...refused(404, 'model_not_found', { alias: null }) }),
  ],
  [
    'a model that is not allowed',
    () => ({
      sends: call(chatBody('demo-chat'), gateway.keys.twoModels),
      ...refused(403, 'model_not_allowed', { alias: 'demo-chat' }),
    }),
  ],
  [
    'a model the app may not use',
    () => ({
      sends: call(chatBody('gpt-4o-mini'), gateway.keys.narrowApp),
      ...refused(403, 'model_not_allowed'),
    }),
  ],
  [
    'a limit of zero',
    () => ({ sends: call(chatBody('gpt-4o'), gateway.keys.zero), ...refused(429, 'limit_requests') }),
  ],
  [
    'a call above the whole limit',
    () => ({
      sends: call(chatBody('gpt-4o', { max_tokens: 100_000 }), gateway.keys.fewTokens),
      ...refused(429, 'limit_tokens'),
    }),
  ],
  ['no model', () => ({ sends: call('{"messages":[]}'), ...refused(400, 'model_missing', { keyId: null }) })],
  [
    'a model that is no text',
    () => ({ sends: call('{"model":["gpt-4o"]}'), ...refused(400, 'invalid_request') }),
  ],
  [
    'broken JSON',
    () => ({ sends: call('{"model":"gpt-4o",'), ...refused(400, 'invalid_json', { requestBytes: 18 }) }),
  ],
  ['an empty body', () => ({ sends: call(''), ...refused(400, 'invalid_json') })],
  [
    'a repeated field',
    () => ({ sends: call('{"model":"gpt-4o","model":"fail-500"}'), ...refused(400, 'duplicate_key') }),
  ],
  [
    'bad UTF-8',
    () => ({ sends: call(Buffer.from('{"model":"gpt-4o\xff"}', 'latin1')), ...refused(400, 'invalid_json') }),
  ],
  [
    'another content type',
    () => ({
      sends: () => ({
        headers: { authorization: `Bearer ${gateway.keys.normal}`, 'content-type': 'text/plain' },
        body: '{}',
      }),
      ...refused(415, 'unsupported_content'),
    }),
  ],
  [
    'a large body',
    () => ({
      sends: call(Buffer.alloc(3 * 1024 * 1024, 0x20), gateway.keys.normal, { path: '/v1/completions' }),
      ...refused(413, 'body_too_large'),
    }),
  ],
  [
    'an endpoint the style does not have',
    () => ({
      sends: call('{"model":"v1.gpt-4o","input":"x"}', gateway.keys.normal, { path: '/v1/moderations' }),
      ...refused(400, 'endpoint_not_offered', { alias: null }),
    }),
  ],
  [
    'a loop',
    () => ({
      sends: () => ({
        ...call(chatBody('gpt-4o'))(),
        headers: { authorization: 'Bearer x', 'x-headgate-hop': 'req_1,req_2,req_3,req_4' },
      }),
      ...refused(508, 'loop_detected', { outcome: 'failed' }),
    }),
  ],
  [
    'a wrong parameter',
    () => ({
      sends: call(chatBody('fail-400')),
      status: 400,
      record: { outcome: 'failed', status: 400, errorCode: 'upstream_400', ...none, attempt: 1 },
    }),
  ],
  [
    'a content filter',
    () => ({
      sends: call(chatBody('content-filter')),
      status: 400,
      record: { outcome: 'failed', status: 400, errorCode: 'upstream_400' },
    }),
  ],
  [
    'a provider who refuses our key',
    () => ({ sends: call(chatBody('fail-401')), ...failed(502, 'upstream_auth') }),
  ],
  [
    'a provider whose quota is used up',
    () => ({ sends: call(chatBody('fail-429')), ...failed(429, 'upstream_quota') }),
  ],
  ['a provider in error', () => ({ sends: call(chatBody('fail-500')), ...failed(502, 'upstream_error') })],
  ['a busy provider', () => ({ sends: call(chatBody('fail-503')), ...failed(503, 'upstream_capacity') })],
  ['a redirect', () => ({ sends: call(chatBody('redirect')), ...failed(502, 'upstream_error') })],
  [
    'a reset before the head',
    () => ({ sends: call(chatBody('early-reset')), ...failed(502, 'upstream_error') }),
  ],
  [
    'half an answer',
    () => ({
      sends: call(chatBody('cut-json')),
      ...failed(502, 'upstream_truncated', {
        usageSource: 'counted',
        tokens: expect.anything(),
        costState: 'unknown',
      }),
    }),
  ],
  [
    'a length that is no number',
    () => ({ sends: call(chatBody('bad-content-length-text')), ...failed(502, 'upstream_error') }),
  ],
  [
    'exact usage',
    () => ({
      sends: call(chatBody('usage-1000-500')),
      status: 200,
      record: { tokens: { input: 1000, output: 500, cachedInput: 0, reasoning: 0 } },
    }),
  ],
  [
    'no usage',
    () => ({
      sends: call(chatBody('no-usage')),
      status: 200,
      record: { usageSource: 'counted', outcome: 'succeeded' },
    }),
  ],
  [
    'a gzip answer',
    () => ({
      sends: call(chatBody('gzip')),
      status: 200,
      record: { usageSource: 'reported', outcome: 'succeeded' },
    }),
  ],
  [
    'an answer longer than it says',
    () => ({ sends: call(chatBody('bad-content-length')), status: 200, record: { outcome: 'succeeded' } }),
  ],
]

test.each(ROWS)('%s leaves exactly one record, under the id the caller read', async (_name, row) => {
  const { sends, status, record } = row()
  const before = gateway.records().length
  const reply = await send(gateway.origin, sends())
  expect(reply.status, reply.body.toString().slice(0, 300)).toBe(status)
  await gateway.recordsWhen(before + 1)
  await new Promise((resolve) => setTimeout(resolve, 10))
  const records = gateway.records().slice(before)
  expect(records).toHaveLength(1)
  expect(records[0]?.requestId).toBe(reply.headers['x-request-id'])
  expect(records[0]).toMatchObject(record)
  if (status >= 400 && !String(record['errorCode']).startsWith('upstream_4')) {
    expect(JSON.parse(reply.body.toString()).error.code).toBe(record['errorCode'])
  }
})

test('a priced call costs what its tokens cost, and the caller reads it in the head', async () => {
  const before = gateway.records().length
  const reply = await send(gateway.origin, call(chatBody('gpt-4o'))())
  const record = (await gateway.recordsWhen(before + 1))[before]
  const { input = 0, output = 0 } = record?.tokens ?? {}
  expect(record?.costNanos).toBe(input * 2500 + output * 10_000)
  expect(Number(reply.headers['x-headgate-cost'])).toBeCloseTo((record?.costNanos ?? 0) / 1e9, 12)
})

test('no record holds a key, a text of the caller or a credential', () => {
  const written = JSON.stringify([gateway.records(), gateway.logLines])
  expect(written).not.toContain('hg_test_')
  expect(written).not.toContain('sk-fake')
  expect(written).not.toContain('Say h')
})

test('nothing in all this was a fault of ours', () => {
  const ours = gateway.logLines.filter((it) => it.message.includes('fault of ours'))
  expect(ours).toEqual([])
})
