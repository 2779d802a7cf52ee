/** Signing in with a real OpenID provider: the way there and back, sessions and their ends, and forged writes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/free-port.ts'
import { startTestPlane, type TestPlane } from '../admin/harness.ts'
import { Browser } from './browser.ts'
import { startDirectory, type TestDirectory } from './directory.ts'

let it: TestPlane
let directory: TestDirectory
let adminUrl: string
let mappingId: string
let teamId: string

beforeAll(async () => {
  const adminPort = await freePort()
  adminUrl = `http://127.0.0.1:${adminPort}`
  directory = await startDirectory(adminUrl, {
    ada: { roles: ['Headgate.Admin'] },
    olga: { groups: ['group-of-operators'] },
    nobody: { roles: ['Something.Else'] },
    crowded: { hasgroups: true },
  })
  it = await startTestPlane({
    config: {
      adminPort,
      adminUrl,
      bootstrapCode: 'the-code-of-this-start',
      directories: [directory.config(adminUrl)],
    },
  })
  teamId = (await it.client.teams.create({ body: { name: 'operated' } })).id
  await it.client.roleMappings.create({ body: { claim: 'roles', value: 'Headgate.Admin', role: 'admin' } })
  const mapping = {
    claim: 'groups',
    value: 'group-of-operators',
    role: 'operator',
    teamIds: [teamId],
  } as const
  mappingId = (await it.client.roleMappings.create({ body: { ...mapping, teamIds: [...mapping.teamIds] } }))
    .id
})
afterAll(async () => {
  await it.stop()
  await directory.goAway()
})

/** Signs in as somebody, through the pages of the provider, to the last answer of ours. */
async function signIn(browser: Browser, account: string, returnTo = '/docs'): Promise<Response> {
  const asks = `${adminUrl}/sign-in?return_to=${encodeURIComponent(returnTo)}`
  return browser.throughProvider(asks, account, adminUrl)
}
const me = async (browser: Browser) =>
  (await (await browser.fetch(`${adminUrl}/api/v1/me`)).json()) as Record<string, never>
const statusOf = async (browser: Browser) => (await browser.fetch(`${adminUrl}/api/v1/teams`)).status

test('somebody signs in by code with PKCE, and may do what their app role or group is mapped to', async () => {
  const [ada, olga] = [new Browser(), new Browser()]
  const back = await signIn(ada, 'ada')
  expect([back.status, back.headers.get('location')]).toEqual([303, '/docs'])
  expect(await me(ada)).toMatchObject({
    actor: 'user ada',
    credential: 'session',
    grants: [{ role: 'admin', team_ids: null }],
  })
  await signIn(olga, 'olga')
  expect((await me(olga))['grants']).toEqual([{ role: 'operator', team_ids: [teamId] }])
  const cookies = back.headers.getSetCookie()
  expect(cookies.find((one) => one.startsWith('headgate='))).toMatch(
    /^headgate=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=28800$/,
  )
  const events = await it.client.auditEvents.list({ query: { action: 'session.created' } })
  expect(events.data.map((one) => one.actor)).toEqual(['user olga', 'user ada'])
})

test('somebody without a role is let in nowhere, and it is noted', async () => {
  const browser = new Browser()
  expect((await signIn(browser, 'nobody')).status).toBe(403)
  expect(await statusOf(browser)).toBe(401)
  const [event] = (await it.client.auditEvents.list({ query: { action: 'session.refused' } })).data
  expect(event?.actor).toBe('user nobody')
})

test('groups that the directory left out are said to be left out, not taken for none', async () => {
  const answer = await signIn(new Browser(), 'crowded')
  const problem = (await answer.json()) as { code: string; detail: string }
  expect([answer.status, problem.code]).toEqual([403, 'groups_left_out'])
  expect(problem.detail).toContain('app role')
})

test('a mapping that is removed or changed takes effect with the next request', async () => {
  const browser = new Browser()
  await signIn(browser, 'olga')
  expect(await statusOf(browser)).toBe(200)
  const change = { params: { mappingId }, body: { role: 'viewer' as const }, ifMatch: '*' }
  await it.client.roleMappings.change(change)
  expect((await me(browser))['grants']).toEqual([{ role: 'viewer', team_ids: [teamId] }])
  await it.client.roleMappings.change({ ...change, body: { value: 'another-group' } as never })
  expect(await statusOf(browser)).toBe(403)
  await it.client.roleMappings.change({
    ...change,
    body: { value: 'group-of-operators', role: 'operator' } as never,
  })
})

test('a session ends when somebody signs out, when it is ended, when it is old and when it is idle', async () => {
  const ends: ((browser: Browser, id: string) => Promise<unknown>)[] = [
    (browser) => browser.write('POST', `${adminUrl}/sign-out`, adminUrl),
    (browser, id) => browser.write('POST', `${adminUrl}/api/v1/me/sessions/${id}/end`, adminUrl),
    (_, id) => it.client.sessions.end({ params: { sessionId: id } }),
    (_, id) =>
      it.db
        .updateTable('sessions')
        .set({ expiresAt: new Date().toISOString() })
        .where('id', '=', id)
        .execute(),
    (_, id) =>
      it.db
        .updateTable('sessions')
        .set({ seenAt: new Date(Date.now() - 31 * 60_000).toISOString() })
        .where('id', '=', id)
        .execute(),
  ]
  for (const [index, end] of ends.entries()) {
    const [browser, other] = [new Browser(), new Browser()]
    await signIn(browser, 'ada')
    await signIn(other, 'ada')
    const mine = (await (await browser.fetch(`${adminUrl}/api/v1/me/sessions`)).json()) as {
      data: { id: string; is_this_one: boolean }[]
    }
    const id = mine.data.find((one) => one.is_this_one)?.id ?? ''
    const cookies = new Map(browser.cookies)
    await end(browser, id)
    browser.cookies = cookies
    expect([index, await statusOf(browser)]).toEqual([index, 401])
    expect([index, await statusOf(other)]).toEqual([index, 200])
  }
})

test('each sign-in is a new session, and a session id of somebody else is never taken over', async () => {
  const browser = new Browser()
  browser.cookies.set('headgate', 'A'.repeat(43))
  await signIn(browser, 'ada')
  const first = browser.cookies.get('headgate')
  expect(first).not.toBe('A'.repeat(43))
  await signIn(browser, 'ada')
  expect(browser.cookies.get('headgate')).not.toBe(first)
  const two = await fetch(`${adminUrl}/api/v1/me`, {
    headers: { cookie: `headgate=${'A'.repeat(43)}; headgate=${first}` },
  })
  expect(two.status).toBe(401)
})

test('nobody ends the session of somebody else as their own', async () => {
  const [ada, olga] = [new Browser(), new Browser()]
  await signIn(ada, 'ada')
  await signIn(olga, 'olga')
  const { data } = await it.client.sessions.list({ query: { actor: 'user ada', limit: 1 } })
  const answer = await olga.write('POST', `${adminUrl}/api/v1/me/sessions/${data[0]?.id}/end`, adminUrl)
  expect(answer.status).toBe(404)
})

test('a write that a foreign page may have sent is refused, whatever it lacks', async () => {
  const browser = new Browser()
  await signIn(browser, 'ada')
  const token = (await me(browser))['csrf_token'] as unknown as string
  const good = {
    origin: adminUrl,
    'sec-fetch-site': 'same-origin',
    'x-csrf-token': token,
    'content-type': 'application/json',
  }
  const send = (more: object, method = 'POST', body = '{"name":"forged"}') => {
    const headers = Object.entries({ ...good, ...more }).filter(([, value]) => value !== undefined) as [
      string,
      string,
    ][]
    return browser.fetch(`${adminUrl}/api/v1/teams`, { method, headers, body })
  }
  for (const [more, status] of [
    [{ 'x-csrf-token': undefined }, 403],
    [{ 'x-csrf-token': '' }, 403],
    [{ 'x-csrf-token': `${token}x` }, 403],
    [{ 'x-csrf-token': 'A'.repeat(43) }, 403],
    [{ origin: undefined }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: `${adminUrl}.evil.example` }, 403],
    [{ origin: adminUrl.replace('127.0.0.1', 'localhost') }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ 'content-type': 'multipart/form-data; boundary=x' }, 415],
  ] as const) {
    expect([more, (await send(more)).status]).toEqual([more, status])
  }
  const overridden = await browser.fetch(`${adminUrl}/api/v1/teams`, {
    headers: { ...good, 'x-http-method-override': 'POST' },
  })
  expect(((await overridden.json()) as { data: unknown[] }).data).toHaveLength(1)
  expect((await send({}, 'POST', '{"name":"by our own page"}')).status).toBe(201)
  expect((await send({ origin: 'https://evil.example' }, 'POST')).status).toBe(403)
})

test.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example',
  '/%0d%0aset-cookie:x=y',
  '/a\r\nset-cookie: x=y',
  '/\t/evil.example',
  'javascript:alert(1)',
  '',
])('after a sign-in nobody is sent to %j', async (target) => {
  const answer = await signIn(new Browser(), 'ada', target)
  const location = answer.headers.get('location') ?? ''
  expect(new URL(location, adminUrl).origin).toBe(adminUrl)
  expect(location).toMatch(/^\/(?![/\\])/)
  expect(answer.headers.getSetCookie().some((one) => one.startsWith('x='))).toBe(false)
})

test('whoever comes back must be who left: no cookie, another browser, another state and a second time are refused', async () => {
  const browser = new Browser()
  const callback = await browser.toCallback(`${adminUrl}/sign-in`, 'ada', adminUrl)
  expect((await new Browser().fetch(callback)).status).toBe(401)
  const other = new Browser()
  await other.fetch(`${adminUrl}/sign-in`)
  expect((await other.fetch(callback)).status).toBe(401)
  const kept = new Map(browser.cookies)
  expect((await browser.fetch(callback)).status).toBe(303)
  browser.cookies = kept
  expect((await browser.fetch(callback)).status).toBe(401)
  const tampered = new Browser()
  const url = new URL(await tampered.toCallback(`${adminUrl}/sign-in`, 'ada', adminUrl))
  url.searchParams.set('state', 'x'.repeat(43))
  expect((await tampered.fetch(url.href)).status).toBe(401)
  const { data } = await it.client.auditEvents.list({ query: { action: 'sign-in.refused' } })
  const reasons = data.map((one) => (one.after as { reason: string }).reason)
  expect(reasons).toContain('a sign-in that was not begun in this browser')
  expect(reasons).toContain('the directory did not confirm a sign-in')
})

test('the link of evaluation lets the first admin in once', async () => {
  const browser = new Browser()
  const link = `${adminUrl}/sign-in/bootstrap?code=the-code-of-this-start`
  expect((await browser.fetch(`${adminUrl}/sign-in/bootstrap?code=a-guess`)).status).toBe(401)
  expect((await browser.fetch(`${adminUrl}/sign-in/bootstrap`)).status).toBe(401)
  expect((await browser.fetch(link)).status).toBe(303)
  expect(await me(browser)).toMatchObject({
    actor: 'first admin',
    grants: [{ role: 'admin', team_ids: null }],
  })
  expect((await new Browser().fetch(link)).status).toBe(401)
})

test('an access token of the directory opens what its app roles are mapped to, if it was made for us', async () => {
  const { tokenFor } = directory
  const token = await tokenFor('api://headgate')
  const answer = await it.ask('GET', '/api/v1/me', { token })
  expect(answer.json).toMatchObject({
    ...{ actor: 'user headgate', credential: 'access_token', csrf_token: null },
    grants: [{ role: 'admin', team_ids: null }],
  })
  expect((await it.ask('POST', '/api/v1/teams', { token, body: { name: 'by a script' } })).status).toBe(201)
  for (const wrong of [await tokenFor('api://other'), `${token}x`, token.split('.').slice(0, 2).join('.')])
    expect((await it.ask('GET', '/api/v1/me', { token: wrong })).status).toBe(401)
})

test('effective access says which mappings give what', async () => {
  const query = { groups: 'group-of-operators,another', roles: '' }
  const it2 = await it.client.roleMappings.explain({ query })
  expect(it2.mappings.map((one) => one.id)).toEqual([mappingId])
  expect(it2.rights.find((one) => one.right === 'keys.write')).toEqual({
    right: 'keys.write',
    teamIds: [teamId],
  })
  expect(it2.rights.find((one) => one.right === 'teams.write')).toBeUndefined()
})

test('wrong credentials are noted, without what was sent', async () => {
  const token = `hgt_${'x'.repeat(43)}`
  await it.ask('GET', '/api/v1/teams', { token })
  const { data } = await it.client.auditEvents.list({ query: { actor: 'anonymous', action: 'teams.read' } })
  expect(data[0]).toMatchObject({ result: 'refused', code: 'unauthenticated', before: null })
  expect(JSON.stringify(data)).not.toContain(token)
})
