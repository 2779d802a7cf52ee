/** Hostile access tokens, one by one: each differs from a good one in one thing, and is refused for it. */
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { accessTokens } from './access-token.ts'

const TENANT = '11111111-2222-3333-4444-555555555555'
const OTHER = '99999999-2222-3333-4444-555555555555'
const OBJECT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const AUDIENCE = '77777777-2222-3333-4444-555555555555'
const ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`
const NOW = Date.parse('2026-11-24T12:00:00Z')
const seconds = NOW / 1000

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 })
const [good, foreign] = [rsa(), rsa()]
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = (key: KeyObject, kid: string, alg = 'RS256') => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
})

let server: Server
let judge: ReturnType<typeof accessTokens>
let asked = 0
let nowMs = NOW
beforeAll(async () => {
  server = createServer((_, reply) => {
    asked += 1
    const keys = [jwk(good.publicKey, 'good'), jwk(curve.publicKey, 'curve', 'ES256')]
    reply.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  judge = judgeOf()
})
afterAll(() => void server.close())
beforeEach(() => {
  nowMs = NOW
})

function judgeOf() {
  const { port } = server.address() as AddressInfo
  const config = {
    issuer: ISSUER,
    tenants: null,
    cliClientId: null,
    clientId: AUDIENCE,
    clientSecret: '',
    audiences: [AUDIENCE, 'api://headgate'],
  }
  return accessTokens(
    { ...config, adminUrl: '', allowHttp: true },
    `http://127.0.0.1:${port}/keys`,
    () => nowMs,
  )
}

type Parts = { head: Record<string, unknown>; told: Record<string, unknown> }
const parts = (): Parts => ({
  head: { alg: 'RS256', typ: 'JWT', kid: 'good' },
  told: {
    ...{ iss: ISSUER, aud: AUDIENCE, exp: seconds + 3600, iat: seconds - 10, nbf: seconds - 10, ver: '2.0' },
    ...{ tid: TENANT, oid: OBJECT, sub: 'abc', azp: AUDIENCE, scp: 'admin', roles: ['Operator'] },
  },
})
const b64 = (value: string | Buffer) => Buffer.from(value).toString('base64url')
const inputOf = ({ head, told }: Parts) => `${b64(JSON.stringify(head))}.${b64(JSON.stringify(told))}`
const signed = (it: Parts, key = good.privateKey, hash = 'sha256') => {
  const input = inputOf(it)
  return `${input}.${b64(sign(hash, Buffer.from(input), key))}`
}
/** A good token but for this. */
const but = (change: (it: Parts) => void) => {
  const it = parts()
  change(it)
  return signed(it)
}
const head = (more: Record<string, unknown>) => but((it) => Object.assign(it.head, more))
const told = (more: Record<string, unknown>) => but((it) => Object.assign(it.told, more))
const without = (name: string) => but((it) => delete it.told[name])
/** The payload as text, for what JSON.stringify does not write. */
const raw = (payload: string) => {
  const input = `${b64(JSON.stringify(parts().head))}.${b64(payload)}`
  return `${input}.${b64(sign('sha256', Buffer.from(input), good.privateKey))}`
}

test.each([
  ['version 2, for a user', () => but(() => {})],
  [
    'version 1, under its own issuer',
    () =>
      told({
        iss: `https://sts.windows.net/${TENANT}/`,
        ver: '1.0',
        aud: 'api://headgate',
        azp: undefined,
        appid: AUDIENCE,
      }),
  ],
  ['for an app', () => told({ scp: undefined, idtyp: 'app' })],
  ['a minute late, which is within the leeway', () => told({ exp: seconds - 59 })],
  ['for several audiences, ours among them', () => told({ aud: ['other', AUDIENCE] })],
])('a good token %s is taken', async (_, make) => {
  const it = await judge(make())
  expect(it?.person.claims.roles).toEqual(['Operator'])
  expect(it?.person.actor).toMatch(new RegExp(`^(user|app) ${TENANT}/${OBJECT}$`))
})

const parts64 = (token: string) => token.split('.') as [string, string, string]
const hostile: [string, () => string][] = [
  ...['none', 'None', 'NONE', 'nOnE'].flatMap((alg): [string, () => string][] => [
    [`alg ${alg}, signed`, () => head({ alg })],
    [`alg ${alg}, empty signature`, () => `${inputOf({ ...parts(), head: { alg, kid: 'good' } })}.`],
  ]),
  [
    'HS256 keyed with the public key as PEM',
    () => hmac(good.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  ],
  ['HS256 keyed with the public key as JWK', () => hmac(JSON.stringify(jwk(good.publicKey, 'good')))],
  ['HS256 keyed with nothing', () => hmac('')],
  ['RS384', () => signed({ ...parts(), head: { alg: 'RS384', kid: 'good' } }, good.privateKey, 'sha384')],
  ['RS512', () => signed({ ...parts(), head: { alg: 'RS512', kid: 'good' } }, good.privateKey, 'sha512')],
  ['PS256', () => head({ alg: 'PS256' })],
  [
    'ES256 with a key of the set',
    () => signed({ ...parts(), head: { alg: 'ES256', kid: 'curve' } }, curve.privateKey),
  ],
  ['RS256 said of a curve', () => head({ kid: 'curve' })],
  ['no alg', () => head({ alg: undefined })],
  ['alg as a list', () => head({ alg: ['RS256'] })],
  ['an empty signature', () => `${inputOf(parts())}.`],
  ['a signature of another key', () => signed(parts(), foreign.privateKey)],
  ['an altered payload', () => swap(1, b64(JSON.stringify({ ...parts().told, roles: ['Admin'] })))],
  ['an altered head', () => swap(0, b64(JSON.stringify({ ...parts().head, x: 1 })))],
  ['a signature cut short', () => but(() => {}).slice(0, -4)],
  ['four parts', () => `${but(() => {})}.x`],
  ['two parts', () => inputOf(parts())],
  ['no JSON in the head', () => swap(0, b64('eyJ'))],
  ['a list as payload', () => raw('[]')],
  ['no JSON as payload', () => raw('{"iss":')],
  ['no kid', () => head({ kid: undefined })],
  ['a kid that climbs', () => head({ kid: '../../../../dev/null' })],
  ['a kid with SQL', () => head({ kid: "x' union select 'key" })],
  ['a kid with NUL', () => head({ kid: 'good\u0000' })],
  ['a kid of 64 KB', () => head({ kid: 'k'.repeat(65_536) })],
  ['a kid that is a number', () => head({ kid: 7 })],
  ['an unknown kid', () => head({ kid: 'of-another-tenant' })],
  [
    'a key of its own in the head',
    () =>
      signed(
        { ...parts(), head: { ...parts().head, kid: 'own', jwk: jwk(foreign.publicKey, 'own') } },
        foreign.privateKey,
      ),
  ],
  [
    'a place of keys of its own',
    () =>
      signed(
        { ...parts(), head: { ...parts().head, kid: 'own', jku: 'http://127.0.0.1:1/keys' } },
        foreign.privateKey,
      ),
  ],
  [
    'a certificate of its own',
    () => signed({ ...parts(), head: { ...parts().head, kid: 'own', x5c: ['MIIB'] } }, foreign.privateKey),
  ],
  [
    'an address of a certificate',
    () =>
      signed(
        { ...parts(), head: { ...parts().head, kid: 'own', x5u: 'http://127.0.0.1:1/' } },
        foreign.privateKey,
      ),
  ],
  ['an unknown critical field', () => head({ crit: ['exp'], exp: seconds })],
  ['b64 false', () => head({ crit: ['b64'], b64: false })],
  ['an empty crit', () => head({ crit: [] })],
  ['a nested token', () => head({ cty: 'JWT', typ: 'JWE' })],
  ['a token of another type', () => head({ typ: 'logout+jwt' })],
  ['the audience named twice', () => raw(JSON.stringify(parts().told).replace('{', '{"aud":"other",'))],
  ['the roles named twice', () => raw(JSON.stringify(parts().told).replace('{', '{"roles":["Viewer"],'))],
  ['no exp', () => without('exp')],
  ['exp as text', () => told({ exp: String(seconds + 3600) })],
  ['exp as a fraction', () => told({ exp: seconds + 3600.5 })],
  ['exp as 1e20', () => raw(JSON.stringify(parts().told).replace(/"exp":\d+/, '"exp":1e20'))],
  ['exp negative', () => told({ exp: -1 })],
  ['exp null', () => told({ exp: null })],
  ['exp past the leeway', () => told({ exp: seconds - 61 })],
  ['nbf to come', () => told({ nbf: seconds + 61 })],
  ['nbf as text', () => told({ nbf: 'now' })],
  ['iat to come', () => told({ iat: seconds + 61, nbf: undefined })],
  ['no iat', () => without('iat')],
  ['iat in milliseconds', () => told({ iat: NOW, nbf: undefined })],
  ['no aud', () => without('aud')],
  ['an audience that ours begins', () => told({ aud: `${AUDIENCE}-more` })],
  ['an audience that begins ours', () => told({ aud: AUDIENCE.slice(0, -1) })],
  ['an audience in capitals', () => told({ aud: 'API://HEADGATE' })],
  ['the audience of Graph', () => told({ aud: '00000003-0000-0000-c000-000000000000' })],
  ['an empty list of audiences', () => told({ aud: [] })],
  ['no issuer', () => without('iss')],
  ['the issuer with a slash', () => told({ iss: `${ISSUER}/` })],
  ['the issuer of another tenant', () => told({ iss: ISSUER.replace(TENANT, OTHER), tid: OTHER })],
  ['the issuer of all tenants', () => told({ iss: 'https://login.microsoftonline.com/common/v2.0' })],
  ['our issuer and the tenant of another', () => told({ tid: OTHER })],
  ['no tenant', () => without('tid')],
  ['version 1 under the issuer of 2', () => told({ ver: '1.0' })],
  ['version 2 under the issuer of 1', () => told({ iss: `https://sts.windows.net/${TENANT}/` })],
  ['no version', () => without('ver')],
  ['no subject', () => without('sub')],
  ['no object id', () => without('oid')],
  ['an object id that is none', () => told({ oid: '../admin' })],
  ['an id token, by its nonce', () => told({ nonce: 'n' })],
  ['an id token, by its at_hash', () => told({ at_hash: 'x' })],
  ['an id token, which names no client', () => told({ azp: undefined, scp: undefined })],
  ['roles that are a text', () => told({ roles: 'Admin' })],
  ['roles that are no texts', () => told({ roles: [{ value: 'Admin' }] })],
  ['groups that are an object', () => told({ groups: { 0: 'x' } })],
]

function hmac(secret: string): string {
  const input = inputOf({ ...parts(), head: { alg: 'HS256', typ: 'JWT', kid: 'good' } })
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function swap(at: 0 | 1 | 2, part: string): string {
  const it = parts64(but(() => {}))
  it[at] = part
  return it.join('.')
}

test.each(hostile)('refused: %s', async (_, make) => {
  expect(await judge(make())).toBeNull()
})

test('there are at least sixty hostile cases', () => {
  expect(hostile.length).toBeGreaterThanOrEqual(60)
})

test('a storm of unknown keys makes us ask the provider once a minute at most', async () => {
  const fresh = judgeOf()
  await fresh(but(() => {}))
  const before = asked
  for (let i = 0; i < 50; i++) expect(await fresh(head({ kid: `made-up-${i}` }))).toBeNull()
  expect(asked - before).toBeLessThanOrEqual(1)
})

test('groups that were left out are told, by each of the marks that the directory has for it', async () => {
  for (const marks of [{ _claim_names: { groups: 'src1' } }, { hasgroups: true }])
    expect((await judge(told(marks)))?.person.groupsCut).toBe(true)
  expect((await judge(told({ _claim_names: { other: 'src1' } })))?.person.groupsCut).toBe(false)
})
