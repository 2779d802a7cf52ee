/** What the admin server does around its operations: limits, pages, probes, and what it never says. */
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { Problem } from '@headgate/admin-contract/problem'
import { renameKeys } from '@headgate/admin-contract/wire'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, systemClock, type TestPlane } from '../../../tests/admin/harness.ts'
import { watchHealth } from './health.ts'
import { type Credentials, signInBy } from './sign-in.ts'

let it: TestPlane
beforeAll(async () => {
  it = await startTestPlane()
})
afterAll(() => it.stop())

test.each([
  ['{"name":', 400, 'invalid_json'],
  ['', 400, 'invalid_json'],
  ['null', 400, 'invalid_request'],
  ['[]', 400, 'invalid_request'],
  ['{"__proto__":{"name":"x"},"name":"x"}', 400, 'invalid_json'],
  [`{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, 'invalid_request'],
  [`{"name":"${'x'.repeat(1024 * 1024)}"}`, 413, 'body_too_large'],
])('a body that is no team is refused as a problem (%#)', async (body, status, code) => {
  const answer = await it.ask('POST', '/api/v1/teams', { body })
  expect([answer.status, answer.json.code]).toEqual([status, code])
  expect(Problem.safeParse(renameKeys(answer.json)).success).toBe(true)
})

test('a body that is not JSON by its type is refused', async () => {
  const answer = await fetch(`${it.plane.adminUrl}/api/v1/teams`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'text/plain' },
    body: '{"name":"x"}',
  })
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
    415,
    'unsupported_content',
  ])
})

test('unknown paths and wrong methods are told apart', async () => {
  const cases = [
    ['GET', '/api/v1/nothing', 404, 'not_found'],
    ['GET', '/api/v2/teams', 404, 'not_found'],
    ['DELETE', '/api/v1/teams', 405, 'method_not_allowed'],
    ['PUT', '/api/v1/keys/key_1/revocation', 405, 'method_not_allowed'],
    ['GET', '/api/v1/keys/key_1/revocation', 405, 'method_not_allowed'],
    ['GET', '/%zz', 404, 'not_found'],
  ] as const
  for (const [method, path, status, code] of cases) {
    const answer = await it.ask(method, path)
    expect([path, answer.status, answer.json.code]).toEqual([path, status, code])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  }
})

test('a revocation takes no body but an empty one', async () => {
  const path = '/api/v1/keys/key_00000000000000000000000000/revocation'
  expect((await it.ask('POST', path)).status).toBe(404)
  expect((await it.ask('POST', path, { body: {} })).status).toBe(404)
  expect((await it.ask('POST', path, { body: { force: true } })).json.errors[0].pointer).toBe('/force')
})

test('the admin token is compared whole', async () => {
  const nobody = async () => null
  const door = signInBy({
    adminToken: ADMIN_TOKEN,
    adminUrl: 'http://127.0.0.1',
    finders: { apiToken: nobody, session: nobody, accessToken: nobody },
  })
  const signIn = (authorization: string | undefined) => door({ authorization } as Credentials, 'GET')
  expect(await signIn(`Bearer ${ADMIN_TOKEN}`)).toMatchObject({
    name: 'admin-token',
    credential: 'admin_token',
  })
  expect((await signIn(`bearer ${ADMIN_TOKEN}`)).access.grants).toEqual([{ role: 'admin', teamIds: null }])
  for (const header of [
    undefined,
    ADMIN_TOKEN,
    `Bearer ${ADMIN_TOKEN}x`,
    `Bearer ${ADMIN_TOKEN} `,
    'Bearer ',
  ])
    await expect(signIn(header)).rejects.toMatchObject({ code: 'unauthenticated' })
})

test.each(['/', '/docs'])(
  'the page %s needs nothing from elsewhere and its style is the one allowed',
  async (path) => {
    const answer = await it.ask('GET', path, { token: null })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    const style = /<style>([\s\S]*?)<\/style>/.exec(answer.text)?.[1] ?? ''
    expect(policy).toContain(`'sha256-${createHash('sha256').update(style).digest('base64')}'`)
    expect(answer.text).not.toMatch(/<script|<link|<img|style="|https?:\/\/(?!127\.0\.0\.1)/)
    expect(style).toContain('prefers-color-scheme:dark')
  },
)

test('the reference page shows every operation and every problem, and its links lead somewhere', async () => {
  const { text } = await it.ask('GET', '/docs', { token: null })
  const document = (await it.ask('GET', '/api/openapi.json', { token: null })).json
  for (const [path, methods] of Object.entries(document.paths) as [string, Record<string, unknown>][]) {
    expect(text).toContain(path)
    for (const it of Object.values(methods) as { operationId: string }[])
      expect(text).toContain(`id="${it.operationId}"`)
  }
  const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]))
  for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target)
  expect(ids).toContain('problem-catalog_conflict')
})

test('probes answer without a key: alive always, ready while the database answers', async () => {
  expect((await it.ask('GET', '/livez', { token: null })).status).toBe(200)
  const ready = await it.ask('GET', '/readyz', { token: null })
  expect([ready.status, ready.json]).toEqual([
    200,
    { status: 'ready', checks: { database: true, serving: true } },
  ])
  expect(it.plane.ready()).toBe(true)
})

test('many probes at once ask the database once, and a draining process is not ready', async () => {
  const health = watchHealth(it.db, systemClock)
  expect(health.ready()).toBe(false)
  const checks = await Promise.all(Array.from({ length: 50 }, () => health.check()))
  expect(checks.every((check) => check.database)).toBe(true)
  health.drain()
  expect([health.ready(), (await health.check()).serving]).toEqual([false, false])
})

test('a request id of the caller is not taken over', async () => {
  const answer = await fetch(`${it.plane.adminUrl}/livez`, { headers: { 'x-request-id': 'mine' } })
  expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9A-Z]{26}$/)
})

test('garbage on the socket is refused and ends only its own connection', async () => {
  const { hostname, port } = new URL(it.plane.adminUrl)
  const said = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), hostname, () =>
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n'),
    )
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.on('close', () => resolve(text))
  })
  expect(said).toMatch(/^HTTP\/1.1 400/)
  expect((await it.ask('GET', '/livez')).status).toBe(200)
})
