/** Several directories beside each other, each for its own people, and one for many tenants of which some may come in. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ORGANIZATIONS } from '@headgate/control-plane/directory-settings'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../../bench/free-port.ts'
import { startTestPlane, type TestPlane } from '../admin/harness.ts'
import { Browser } from './browser.ts'
import { AUDIENCE, startDirectory, type TestDirectory } from './directory.ts'

const AUTHORITY = 'https://login.microsoftonline.com'
const OURS = '11111111-2222-3333-4444-555555555555'
const FOREIGN = '99999999-2222-3333-4444-555555555555'
const OBJECT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const CLIENT = '77777777-2222-3333-4444-555555555555'
const key = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** What the next id token says beside what it must. */
let says: Record<string, unknown> = {}
let nonce = ''

function signed(told: object): string {
  const b64 = (value: string | Buffer) => Buffer.from(value).toString('base64url')
  const input = `${b64(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'one' }))}.${b64(JSON.stringify(told))}`
  return `${input}.${b64(sign('sha256', Buffer.from(input), key.privateKey))}`
}

const issuerOf = (tenant: string) => `${AUTHORITY}/${tenant}/v2.0`
const now = () => Math.floor(Date.now() / 1000)

/** As Entra ID speaks for all organizations: with the place of the tenant in braces. */
function answer(request: IncomingMessage, reply: ServerResponse): void {
  const json = (body: object) => reply.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  const path = (request.url ?? '').split('?')[0]
  const template = `${AUTHORITY}/{tenantid}/v2.0`
  if (path === '/organizations/v2.0/.well-known/openid-configuration')
    return void json({
      issuer: template,
      authorization_endpoint: `${AUTHORITY}/organizations/oauth2/v2.0/authorize`,
      token_endpoint: `${AUTHORITY}/organizations/oauth2/v2.0/token`,
      jwks_uri: `${AUTHORITY}/organizations/discovery/v2.0/keys`,
      ...{ response_types_supported: ['code'], subject_types_supported: ['pairwise'] },
      id_token_signing_alg_values_supported: ['RS256'],
    })
  if (path?.endsWith('/keys')) {
    const jwk = {
      ...key.publicKey.export({ format: 'jwk' }),
      kid: 'one',
      alg: 'RS256',
      use: 'sig',
      issuer: template,
    }
    return void json({ keys: [jwk] })
  }
  const base = { aud: CLIENT, sub: 'abc', iat: now(), exp: now() + 600, ver: '2.0', oid: OBJECT, nonce }
  const id = {
    ...base,
    tid: OURS,
    iss: issuerOf(String(says['tid'] ?? OURS)),
    roles: ['Headgate.Admin'],
    ...says,
  }
  json({ access_token: 'opaque', token_type: 'Bearer', expires_in: 600, id_token: signed(id) })
}

let it: TestPlane
let first: TestDirectory
let second: TestDirectory
let entra: Server
let adminUrl: string
beforeAll(async () => {
  const adminPort = await freePort()
  adminUrl = `http://127.0.0.1:${adminPort}`
  first = await startDirectory(adminUrl, { ada: { roles: ['Headgate.Admin'] } })
  second = await startDirectory(adminUrl, { bea: { roles: ['Headgate.Viewer'] } })
  entra = createServer(answer).listen(0, '127.0.0.1')
  await once(entra, 'listening')
  const { port } = entra.address() as AddressInfo
  // The real address, answered here: whatever asks it goes the way it goes in production.
  const real = globalThis.fetch
  vi.stubGlobal('fetch', (address: string | URL | Request, init?: RequestInit) => {
    const url = address instanceof Request ? address.url : String(address)
    return url.startsWith(AUTHORITY)
      ? real(`http://127.0.0.1:${port}${url.slice(AUTHORITY.length)}`, init)
      : real(address, init)
  })
  const organizations = {
    ...{ issuer: ORGANIZATIONS, tenants: [OURS], clientId: CLIENT, clientSecret: 'x'.repeat(32) },
    ...{ audiences: [CLIENT, `api://${CLIENT}`], cliClientId: CLIENT, adminUrl, allowHttp: true },
  }
  const theSecond = { ...second.config(adminUrl), audiences: ['api://the-second'] }
  it = await startTestPlane({
    config: { adminPort, adminUrl, directories: [first.config(adminUrl), theSecond, organizations] },
  })
  await it.client.roleMappings.create({ body: { claim: 'roles', value: 'Headgate.Admin', role: 'admin' } })
  await it.client.roleMappings.create({ body: { claim: 'roles', value: 'Headgate.Viewer', role: 'viewer' } })
})
afterAll(async () => {
  await it.stop()
  vi.unstubAllGlobals()
  entra.close()
  for (const one of [first, second]) await one.goAway().catch(() => {})
})

test('whoever comes chooses a directory, and is who that one says they are', async () => {
  const page = await (await new Browser().fetch(`${adminUrl}/sign-in?return_to=/docs`)).text()
  const links = [...page.matchAll(/href="(\/sign-in\?with=[^"]+)"/g)].map((one) =>
    one[1]?.replace('&amp;', '&'),
  )
  expect(links).toEqual([0, 1, 2].map((at) => `/sign-in?with=${at}&return_to=%2Fdocs`))
  for (const [at, account, role] of [
    [0, 'ada', 'admin'],
    [1, 'bea', 'viewer'],
  ] as const) {
    const browser = new Browser()
    const back = await browser.throughProvider(`${adminUrl}${links[at]}`, account, adminUrl)
    expect([back.status, back.headers.get('location')]).toEqual([303, '/docs'])
    const me = (await (await browser.fetch(`${adminUrl}/api/v1/me`)).json()) as { grants: { role: string }[] }
    expect(me.grants.map((one) => one.role)).toEqual([role])
  }
  for (const odd of ['7', '-1', 'x', ''])
    expect((await new Browser().fetch(`${adminUrl}/sign-in?with=${odd}`)).status).toBe(200)
})

test('what one directory answers is never taken for the answer of another', async () => {
  const browser = new Browser()
  const callback = await browser.toCallback(`${adminUrl}/sign-in?with=0`, 'ada', adminUrl)
  await it.db.updateTable('signIns').set({ issuer: second.issuer }).execute()
  expect((await browser.fetch(callback)).status).toBe(401)
})

test('an access token is judged by the audience of its own directory, and one that is away holds up no other', async () => {
  const ask = async (token: string) => (await it.ask('GET', '/api/v1/me', { token })).status
  expect(await ask(await first.tokenFor(AUDIENCE))).toBe(200)
  expect(await ask(await second.tokenFor('api://the-second'))).toBe(200)
  expect(await ask(await second.tokenFor(AUDIENCE))).toBe(401)
  expect(await ask(await first.tokenFor('api://the-second'))).toBe(401)
  const good = await second.tokenFor('api://the-second')
  await first.goAway()
  expect(await ask(good)).toBe(200)
  await first.comeBack()
})

/** Through the directory of many tenants, which says of somebody what it is told to. */
async function throughEntra(told: Record<string, unknown>): Promise<Response> {
  const browser = new Browser()
  const leaving = await browser.fetch(`${adminUrl}/sign-in?with=2`)
  const url = new URL(leaving.headers.get('location') ?? '')
  expect(url.origin + url.pathname).toBe(`${AUTHORITY}/organizations/oauth2/v2.0/authorize`)
  nonce = url.searchParams.get('nonce') ?? ''
  says = told
  return browser.fetch(`${adminUrl}/sign-in/callback?code=x&state=${url.searchParams.get('state')}`)
}

test('of many tenants, people of those that were named come in', async () => {
  expect((await throughEntra({})).status).toBe(303)
  const { data } = await it.client.auditEvents.list({ query: { action: 'session.created' } })
  expect(data[0]?.actor).toBe(`user ${OURS}/${OBJECT}`)
})

test('somebody of another tenant is told which it is, and what to do', async () => {
  const refused = await throughEntra({ tid: FOREIGN })
  const { code, detail } = (await refused.json()) as { code: string; detail: string }
  expect([refused.status, code]).toEqual([403, 'forbidden'])
  expect(detail).toContain(`tenant ${FOREIGN}, which may not sign in here`)
  expect(detail).toContain('HEADGATE_OIDC_TENANTS')
})

test.each([
  ['the tenant of one and the issuer of another', { iss: issuerOf(FOREIGN), tid: OURS }],
  ['the issuer of ours and the tenant of another', { iss: issuerOf(OURS), tid: FOREIGN }],
  ['the template itself', { iss: `${AUTHORITY}/{tenantid}/v2.0` }],
  ['the issuer of all', { iss: issuerOf('organizations'), tid: 'organizations' }],
  ['a tenant that is none', { tid: `${OURS}/../${FOREIGN}` }],
  ['no tenant', { tid: undefined, iss: issuerOf(OURS) }],
  ['a host that begins like ours', { iss: `${AUTHORITY}.evil.example/${OURS}/v2.0` }],
  ['the issuer with a slash', { iss: `${issuerOf(OURS)}/` }],
])('an id token with %s lets nobody in', async (_, told) => {
  expect((await throughEntra(told)).status).toBe(401)
})

test('access tokens of many tenants are judged alike', async () => {
  const base = {
    aud: CLIENT,
    sub: 'abc',
    iat: now(),
    exp: now() + 600,
    ver: '2.0',
    oid: OBJECT,
    azp: CLIENT,
    scp: 'a',
  }
  const ask = (told: object) =>
    it.ask('GET', '/api/v1/me', { token: signed({ ...base, roles: ['Headgate.Admin'], ...told }) })
  const ours = await ask({ tid: OURS, iss: issuerOf(OURS) })
  expect([ours.status, ours.json.actor]).toEqual([200, `user ${OURS}/${OBJECT}`])
  const foreign = await ask({ tid: FOREIGN, iss: issuerOf(FOREIGN) })
  expect([foreign.status, foreign.json.code]).toEqual([403, 'forbidden'])
  expect(foreign.json.detail).toContain(FOREIGN)
  expect((await ask({ tid: OURS, iss: issuerOf(FOREIGN) })).status).toBe(401)
  expect((await ask({ tid: FOREIGN, iss: issuerOf(OURS) })).status).toBe(401)
  expect((await ask({ tid: FOREIGN, iss: issuerOf(FOREIGN), exp: now() - 600 })).status).toBeGreaterThan(400)
})
