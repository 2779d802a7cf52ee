/** One reading of the head; what could be read in two ways is refused. */
import { GatewayError } from '@headgate/domain/gateway-error'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../tests/servers/rounds.ts'
import { checkJsonBody, type RequestHead, readHead } from './request-head.ts'

type Facts = { method?: string; url?: string; httpVersion?: string; headers?: readonly string[] }

function head({ method = 'POST', url = '/v1/x', httpVersion = '1.1', headers = [] }: Facts): RequestHead {
  return readHead({
    method,
    url,
    httpVersion,
    rawHeaders: ['Host', 'a', ...headers],
  })
}

function codeOf(facts: Facts): string {
  try {
    head(facts)
    return 'read'
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

test('what the gateway needs is taken, whatever the case of the names', () => {
  const read = head({
    headers: [
      ...[
        'Authorization',
        'Bearer x',
        'API-Key',
        'k',
        'Content-Type',
        'application/json',
        'CONTENT-LENGTH',
        '12',
      ],
      ...['X-Request-Id', 'abcdefgh', 'X-Headgate-Hop', 'req_1'],
    ],
  })
  expect(read).toMatchObject({ authorization: 'Bearer x', apiKey: 'k', contentLength: 12, hop: 'req_1' })
})

test('only headers on the list travel on, and never one that names a caller, a host or a credential', () => {
  const headers = [
    ...['accept', 'application/json', 'openai-beta', 'x=1', 'cookie', 'a=b', 'x-forwarded-for', '1.2.3.4'],
    ...['forwarded', 'for=x', 'openai-organization', 'org', 'user-agent', 'u', 'authorization', 'Bearer k'],
    ...['api-key', 'k', 'x-portkey-custom-host', 'evil.test', 'connection', 'accept', 'te', 'trailers'],
  ]
  expect(head({ headers }).forward).toEqual(['accept', 'application/json', 'openai-beta', 'x=1'])
})

test('a head that two readers could read in two ways is refused', () => {
  const refused: Facts[] = [
    { headers: ['Host', 'b'] },
    { headers: ['authorization', 'a', 'Authorization', 'b'] },
    { headers: ['api-key', 'a', 'API-KEY', 'a'] },
    { headers: ['transfer-encoding', ',chunked'] },
    { headers: ['transfer-encoding', 'gzip, chunked'] },
    { headers: ['transfer-encoding', 'chunked'], httpVersion: '1.0' },
    { headers: ['upgrade', 'h2c'] },
    { headers: ['accept', 'a\u007fb'] },
    { httpVersion: '0.9' },
    { httpVersion: '1.32' },
    { httpVersion: '2.0' },
    { headers: Array(100).fill(['x', 'y']).flat() },
    { url: `/${'a'.repeat(8192)}` },
  ]
  for (const facts of refused)
    expect(codeOf(facts), JSON.stringify(facts).slice(0, 80)).toBe('invalid_request')
  for (const url of [
    'http://evil.test/v1/x',
    '*',
    'v1/x',
    '',
    '//é',
    '/v1/x#y',
    '/v1/x?q=é',
    '/a\tb',
    '/a b',
    '/\0',
  ])
    expect(codeOf({ url }), url).toBe('invalid_request')
})

test('methods the API does not use are refused as methods', () => {
  for (const method of ['TRACE', 'PROPFIND', 'CONNECT', 'M-SEARCH', 'post'])
    expect(codeOf({ method })).toBe('method_not_allowed')
})

test('a hundred headers, mixed case chunked and a query of printable ASCII are fine', () => {
  expect(codeOf({ headers: Array(99).fill(['x', 'y']).flat() })).toBe('read')
  expect(head({ headers: ['Transfer-Encoding', 'Chunked'] }).chunked).toBe(true)
  expect(codeOf({ url: '/v1/x?a=b&c=%20~!$()*,;:@[]"' })).toBe('read')
})

test('an encoded body is refused, identity is not', () => {
  expect(codeOf({ headers: ['content-encoding', 'gzip'] })).toBe('unsupported_content')
  expect(codeOf({ headers: ['content-encoding', 'Identity'] })).toBe('read')
})

test('no header, whatever its name and value, breaks the reading or changes a prototype', () => {
  const name = fc.oneof(
    fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'accept', 'host'),
    fc.string(),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string()), { maxLength: 120 }), (pairs) => {
      expect(['read', 'invalid_request', 'unsupported_content']).toContain(codeOf({ headers: pairs.flat() }))
    }),
    { numRuns: rounds(500) },
  )
  expect(Object.keys(Object.prototype)).toEqual([])
})

test('only a body that says it is JSON is read as JSON', () => {
  const check = (type: string | null) => () => checkJsonBody({ ...head({}), contentType: type })
  for (const type of [
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;',
  ])
    expect(check(type)).not.toThrow()
  for (const type of [
    null,
    '',
    'text/plain',
    'application/jsonp',
    'application/json-patch+json',
    'x application/json',
  ])
    expect(check(type)).toThrowError(GatewayError)
})
