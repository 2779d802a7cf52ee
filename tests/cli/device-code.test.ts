/** Signing in from a shell with a real OpenID provider, and without keeping any token where the host has an identity. */
import { chmod, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../../bench/free-port.ts'
import { Browser } from '../access/browser.ts'
import { AUDIENCE, startDirectory, type TestDirectory } from '../access/directory.ts'
import { startTestPlane, type TestPlane, until } from '../admin/harness.ts'
import { type CliHome, cliHome } from './run-cli.ts'

let it: TestPlane
let directory: TestDirectory
let home: CliHome
beforeAll(async () => {
  const adminPort = await freePort()
  const adminUrl = `http://127.0.0.1:${adminPort}`
  directory = await startDirectory(adminUrl, { ada: { roles: ['Headgate.Admin'] } })
  it = await startTestPlane({ config: { adminPort, adminUrl, directories: [directory.config(adminUrl)] } })
  await it.client.roleMappings.create({ body: { claim: 'roles', value: 'Headgate.Admin', role: 'admin' } })
  home = await cliHome()
})
afterAll(async () => {
  await home.remove()
  await it.stop()
  await directory.goAway()
})

const tokensPath = () => join(home.path, 'state/headgate/tokens.json')
const kept = async () =>
  JSON.parse(await readFile(tokensPath(), 'utf8')) as Record<string, Record<string, string>>

/** Begins to sign in, and waits for the address with the code. */
async function begun(profile: string) {
  const running = home.start(['login', '--server', it.plane.adminUrl, '--device-code', '--profile', profile])
  onTestFinished(() => void running.child.kill('SIGKILL'))
  let err = ''
  running.child.stderr?.on('data', (piece) => {
    err += piece
  })
  await until(() => err.includes('Waiting'), 'the code')
  return { ...running, url: /Or open (\S+)/.exec(err)?.[1] ?? '' }
}

async function signedIn(profile: string): Promise<void> {
  const { end, url } = await begun(profile)
  expect(await new Browser().approveDevice(url, 'ada')).toContain('Success')
  const { code, err } = await end
  expect(code, err).toBe(0)
  expect(err).toContain('You are user ada')
}

test('a code that is typed in a browser signs a shell in, and what is kept only its owner can read', async () => {
  await signedIn('work')
  const me = await home.cli(['whoami', '--json', 'actor,credential'])
  expect(JSON.parse(me.out)).toEqual({ actor: 'user ada', credential: 'access_token' })
  expect((await stat(tokensPath())).mode & 0o777).toBe(0o600)
  const profiles = await readFile(join(home.path, 'config/headgate/profiles.yaml'), 'utf8')
  const { accessToken, refreshToken } = (await kept())['work'] ?? {}
  expect(accessToken).toMatch(/^eyJ/)
  for (const secret of [accessToken, refreshToken]) expect(profiles).not.toContain(secret)
  await chmod(tokensPath(), 0o644)
  const open = await home.cli(['whoami'])
  expect([open.code, open.err.includes('chmod 600')]).toEqual([1, true])
  await chmod(tokensPath(), 0o600)
})

test('a token that ends is refreshed once, however many programmes need it at once', async () => {
  await signedIn('shared')
  const age = async () => {
    const all = await kept()
    const old = {
      ...all,
      shared: { ...all['shared'], expiresAt: new Date(Date.now() + 30_000).toISOString() },
    }
    await writeFile(tokensPath(), JSON.stringify(old), { mode: 0o600 })
  }
  await age()
  const before = directory.refreshed()
  const runs = await Promise.all(Array.from({ length: 4 }, () => home.cli(['whoami', '--profile', 'shared'])))
  expect(runs.map((one) => one.code)).toEqual([0, 0, 0, 0])
  expect(directory.refreshed() - before).toBe(1)
  // Whoever was killed in the middle of it holds nobody up for ever.
  await age()
  await writeFile(`${tokensPath()}.lock`, '')
  await utimes(`${tokensPath()}.lock`, 0, 0)
  expect((await home.cli(['whoami', '--profile', 'shared'])).code).toBe(0)
  // Whom the directory has let go signs in again.
  await age()
  directory.people['ada'] = undefined
  const gone = await home.cli(['whoami', '--profile', 'shared'])
  directory.people['ada'] = { roles: ['Headgate.Admin'] }
  expect([gone.code, gone.out]).toEqual([4, ''])
  expect(gone.err).toContain('headgate login --device-code --profile shared')
})

test('signing out ends it at the directory, and keeps nothing', async () => {
  await signedIn('gone')
  const { refreshToken = '' } = (await kept())['gone'] ?? {}
  const out = await home.cli(['logout', '--profile', 'gone'])
  expect(out.code, out.err).toBe(0)
  expect((await kept())['gone']).toBeUndefined()
  const body = { grant_type: 'refresh_token', client_id: 'headgate-cli', refresh_token: refreshToken }
  const answer = await fetch(`${directory.issuer}/token`, { method: 'POST', body: new URLSearchParams(body) })
  expect(answer.status).toBe(400)
  expect((await home.cli(['whoami', '--profile', 'gone'])).code).toBe(2)
})

test('Ctrl-C while it waits ends it with 130 and keeps nothing; so does a server without a directory, with its reason', async () => {
  const { child, end } = await begun('never')
  child.kill('SIGINT')
  expect((await end).code).toBe(130)
  expect(await readFile(join(home.path, 'config/headgate/profiles.yaml'), 'utf8')).not.toContain('never')
  const bare = await startTestPlane()
  onTestFinished(() => bare.stop())
  const none = await home.cli(['login', '--server', bare.plane.adminUrl, '--device-code'])
  expect([none.code, none.err.includes('--token-file')]).toEqual([1, true])
  const odd = await home.cli([
    'login',
    '--server',
    it.plane.adminUrl,
    '--device-code',
    '--issuer',
    'https://x.example',
  ])
  expect([odd.code, odd.err.includes(directory.issuer)]).toEqual([2, true])
})

test('where the host has an identity, no token is kept: one is asked for, for our audience alone', async () => {
  const asked: { url: string; secret: unknown }[] = []
  const host = createServer(async (request, reply) => {
    asked.push({ url: request.url ?? '', secret: request.headers['x-identity-header'] })
    const token = await directory.tokenFor(AUDIENCE)
    const told = { access_token: token, expires_on: String(Math.floor(Date.now() / 1000) + 3600) }
    reply.setHeader('content-type', 'application/json').end(JSON.stringify(told))
  })
  await new Promise<void>((done) => host.listen(0, '127.0.0.1', done))
  onTestFinished(() => void host.close())
  const env = {
    HEADGATE_URL: it.plane.adminUrl,
    HEADGATE_MANAGED_IDENTITY_AUDIENCE: AUDIENCE,
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(host.address() as AddressInfo).port}/token`,
    IDENTITY_HEADER: 'known to this host alone',
    AZURE_CLIENT_ID: 'one-of-several',
  }
  const own = await cliHome()
  onTestFinished(own.remove)
  const me = await own.cli(['whoami', '--json', 'credential'], { env })
  expect(me.code, me.err).toBe(0)
  expect(JSON.parse(me.out)).toEqual({ credential: 'access_token' })
  const query = new URLSearchParams(asked[0]?.url.split('?')[1])
  expect(Object.fromEntries(query)).toEqual({
    ...{ 'api-version': '2019-08-01', resource: AUDIENCE, client_id: 'one-of-several' },
  })
  expect(asked[0]?.secret).toBe('known to this host alone')
  const nowhere = await own.cli(['whoami'], {
    env: { ...env, IDENTITY_ENDPOINT: 'http://127.0.0.1:9/token' },
  })
  expect([nowhere.code, nowhere.err.includes('HEADGATE_MANAGED_IDENTITY_AUDIENCE')]).toEqual([4, true])
})
