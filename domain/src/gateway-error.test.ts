/** Every refusal is one of the closed set and speaks the language official clients understand. */
import { describe, expect, test } from 'vitest'
import {
  errorBody,
  errorCodes,
  errorRow,
  GatewayError,
  retryHeaders,
  toGatewayError,
} from './gateway-error.ts'

describe.each(errorCodes)('%s', (code) => {
  const row = errorRow(code)

  test('has a status, type and sentence that fit together', () => {
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.text).toMatch(/^[A-Z].*\.$/)
    expect(row.type === 'server_error').toBe(row.status >= 500)
    expect(row.type === 'rate_limit_error' || row.type === 'insufficient_quota').toBe(row.status === 429)
    expect(row.type === 'permission_error').toBe(row.status === 403)
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })

  test('answers with the body of an OpenAI error, all four fields and ours beside them', () => {
    const body = JSON.parse(errorBody(new GatewayError(code), 'req_1'))
    expect(Object.keys(body)).toEqual(['error'])
    expect(Object.keys(body.error)).toEqual(['message', 'type', 'param', 'code', 'headgate'])
    expect(body.error).toMatchObject({ message: row.text, type: row.type, param: null, code })
    expect(body.error.headgate).toMatchObject({ request_id: 'req_1', denied_by: expect.any(String) })
  })

  test('never tells callers what is meant for operators', () => {
    const error = new GatewayError(code, { internal: 'host db-7 refused', cause: new Error('db-7') })
    expect(errorBody(error, 'req_1') + JSON.stringify(retryHeaders(error))).not.toContain('db-7')
    expect(error.message).toContain('db-7')
  })

  test('says by header whether to come back, and only where a client would wonder', () => {
    const headers = retryHeaders(new GatewayError(code, { retryAfterMs: 1_500 }))
    if (row.status < 429 && row.status !== 408) expect(headers).toEqual({})
    else expect(headers['x-should-retry']).toBe(String(row.retry))
    if (row.retry) expect(headers).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1500' })
  })
})

describe('the retry headers', () => {
  const of429 = (retryAfterMs?: number) =>
    retryHeaders(new GatewayError('limit_tokens', retryAfterMs === undefined ? {} : { retryAfterMs }))

  test('never say less than the true wait, and at least one second', () => {
    expect(of429(0.2)).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '1' })
    expect(of429(1_000.4)).toMatchObject({ 'retry-after': '2', 'retry-after-ms': '1001' })
  })

  test('a wait beyond a minute, or none that helps, is given up', () => {
    expect(of429(60_000)['x-should-retry']).toBe('true')
    expect(of429(60_001)).toEqual({ 'x-should-retry': 'false', 'retry-after': '61' })
    expect(of429()).toEqual({ 'x-should-retry': 'false' })
  })
})

test('what is thrown by accident becomes internal_error and keeps its cause', () => {
  const refusal = new GatewayError('key_invalid')
  expect(toGatewayError(refusal)).toBe(refusal)
  const bug = new TypeError('x is not a function')
  const error = toGatewayError(bug)
  expect(error).toMatchObject({ code: 'internal_error', status: 500, cause: bug })
  expect(errorBody(error, 'req_1')).not.toContain('not a function')
  for (const odd of [undefined, null, 'text', 7, Symbol('s'), Object.create(null)])
    expect(toGatewayError(odd).code).toBe('internal_error')
})

test('a refusal names whose numbers it speaks of', () => {
  const scope = { kind: 'key', name: 'nightly' } as const
  const error = new GatewayError('limit_requests', {
    scope,
    limit: 60,
    used: 60,
    requested: 1,
    unit: 'requests',
  })
  expect(JSON.parse(errorBody(error, 'r')).error.headgate).toMatchObject({ scope, limit: 60, used: 60 })
})
