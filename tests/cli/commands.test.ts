/** The CLI against a real control plane: what goes where, and how it ends. */

import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane, until } from '../admin/harness.ts'
import { type CliHome, cliHome } from './run-cli.ts'

let it: TestPlane
let home: CliHome
beforeAll(async () => {
  it = await startTestPlane()
  home = await cliHome({ HEADGATE_URL: it.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
  const team = await it.client.teams.create({ body: { name: 'Payments' } })
  await it.client.apps.create({ body: { teamId: team.id, name: 'checkout' } })
})
afterAll(async () => {
  await home.remove()
  await it.stop()
})

const data = async (...args: string[]) => {
  const { code, out, err } = await home.cli(args)
  expect(code, err).toBe(0)
  return JSON.parse(out)
}

test('data goes to standard output and everything else to standard error, in every form', async () => {
  const [team] = await data('teams', 'list')
  expect(team).toMatchObject({ name: 'Payments', allowed_models: null })
  expect(await data('teams', 'show', 'Payments')).toEqual(team)
  expect(await data('teams', 'list', '--json', 'name,id')).toEqual([{ name: 'Payments', id: team.id }])
  expect((await home.cli(['teams', 'list', '-q'])).out).toBe(`${team.id}\n`)
  expect((await home.cli(['teams', 'list', '-o', 'csv'])).out).toMatch(
    /^id,name,allowed_models,created_at\nteam_/,
  )
  expect((await home.cli(['teams', 'list', '-o', 'table'])).out).toMatch(
    /^ID +NAME +ALLOWED_MODELS +CREATED_AT\n/,
  )
  expect((await home.cli(['teams', 'list', '-o', 'ndjson'])).out).toBe(`${JSON.stringify(team)}\n`)
  expect((await home.cli(['teams', 'show', team.id, '-o', 'yaml'])).out).toContain('name: Payments\n')
  const wrong = await home.cli(['teams', 'list', '--json', 'nam'])
  expect([wrong.code, wrong.out]).toEqual([2, ''])
  expect(wrong.err).toContain('Did you mean "name"?')
})

test('things are named by their names, and two of one name are told apart by ids', async () => {
  const made = await data('apps', 'create', '--team', 'Payments', '--name', 'refunds')
  expect(made.name).toBe('refunds')
  await data('teams', 'create', '--name', 'Search')
  const twin = await data('apps', 'create', '--team', 'Search', '--name', 'refunds')
  const unclear = await home.cli(['apps', 'show', 'refunds'])
  expect(unclear.code).toBe(2)
  expect(unclear.err).toContain(made.id)
  expect(unclear.err).toContain(twin.id)
  expect(await data('apps', 'show', twin.id)).toEqual(twin)
  const limit = await data(
    'limits',
    'create',
    '--owner',
    'team:Search',
    '--measure',
    'tokens_per_minute',
    '--amount',
    '500',
  )
  expect(limit).toMatchObject({ owner_id: twin.team_id, amount: 500 })
  const nobody = await home.cli(['apps', 'list', '--team', 'Nobody'])
  expect([nobody.code, nobody.out]).toEqual([1, ''])
  expect(nobody.err).toContain('there is no team named "Nobody"')
})

test('a secret is never made where it would be lost, and never shown but when asked for', async () => {
  const create = ['keys', 'create', '--app', 'checkout', '--name', 'ci']
  const lost = await home.cli(create)
  expect(lost.code).toBe(2)
  expect(lost.err).toContain('--show-secret')
  expect(await data('keys', 'list', '--q', 'ci')).toEqual([])
  const path = join(home.path, 'ci.key')
  const kept = await home.cli([...create, '--out', path])
  expect(kept.code, kept.err).toBe(0)
  const secret = (await readFile(path, 'utf8')).trim()
  expect(secret).toMatch(/^hg_live_/)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(kept.out + kept.err).not.toContain(secret)
  const again = await home.cli(['keys', 'rotate', 'ci', '--out', path])
  expect(again.code).toBe(2)
  expect(again.err).toContain('is not overwritten')
  expect((await home.cli(['keys', 'rotation', 'ci'])).code).toBe(1)
  const shown = await data('keys', 'rotate', 'ci', '--grace-minutes', '0', '--show-secret')
  expect(shown.secret).toMatch(/^hg_live_/)
  expect((await data('keys', 'disable', 'ci')).state).toBe('disabled')
  expect((await data('keys', 'enable', 'ci')).state).toBe('active')
})

test('what cannot be undone is not done unasked, can be rehearsed, and is done with --yes', async () => {
  await data('teams', 'create', '--name', 'Gone soon')
  const unasked = await home.cli(['teams', 'remove', 'Gone soon'])
  expect(unasked.code).toBe(2)
  expect(unasked.err).toContain('--yes')
  const rehearsed = await data('teams', 'remove', 'Gone soon', '--dry-run')
  expect(rehearsed).toMatchObject({ changed: true, before: { name: 'Gone soon' }, after: null })
  expect((await data('teams', 'show', 'Gone soon')).name).toBe('Gone soon')
  expect((await home.cli(['teams', 'remove', 'Gone soon', '--yes'])).code).toBe(0)
  expect((await home.cli(['teams', 'show', 'Gone soon'])).code).toBe(1)
})

test('how it ends says what happened', async () => {
  const codes = async (args: string[], options = {}) => (await home.cli(args, options)).code
  expect(await codes(['teamz', 'list'])).toBe(2)
  expect(await codes(['teams', 'create', '--name', ''])).toBe(2)
  expect(await codes(['teams', 'create', '--name', 'Payments'])).toBe(6)
  expect(await codes(['teams', 'change', 'Payments', '--name', 'x', '--if-match', '"other"'])).toBe(6)
  expect(await codes(['teams', 'list'], { env: { HEADGATE_TOKEN: 'no-token-of-ours' } })).toBe(4)
  expect(await codes(['teams', 'list'], { env: { HEADGATE_TOKEN: '' } })).toBe(4)
  const body = {
    name: 'ended',
    role: 'viewer',
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  } as const
  const token = await it.client.apiTokens.create({ body })
  const viewer = { env: { HEADGATE_TOKEN: token.secret } }
  expect(await codes(['teams', 'list'], viewer)).toBe(0)
  expect(await codes(['teams', 'create', '--name', 'More'], viewer)).toBe(5)
  await it.db
    .updateTable('apiTokens')
    .set({ expiresAt: '2020-01-01T00:00:00Z' })
    .where('id', '=', token.id)
    .execute()
  expect(await codes(['teams', 'list'], viewer)).toBe(4)
  const items = [
    { operation: 'teams.create', body: { name: 'Half' } },
    { operation: 'teams.create', body: { name: 'Payments' } },
  ]
  expect(await codes(['batch', '--file', '-'], { input: JSON.stringify({ items }) })).toBe(7)
})

test('no server, a stranger in its place, and a token that would travel in plain text are each told apart', async () => {
  const gone = await home.cli(['teams', 'list', '--server', 'http://127.0.0.1:9'])
  expect(gone.code).toBe(1)
  expect(gone.err).toMatch(/cannot be reached.*Is it running\?/)
  const stranger = createServer((_, response) => response.end('<html>hello</html>'))
  await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done))
  const { port } = stranger.address() as AddressInfo
  const odd = await home.cli(['teams', 'list', '--server', `http://127.0.0.1:${port}`])
  stranger.close()
  expect([odd.code, odd.out]).toEqual([1, ''])
  expect(odd.err).toContain('Is the server a Headgate')
  const plain = await home.cli(['teams', 'list', '--server', 'http://admin.example.com'])
  expect(plain.code).toBe(2)
  expect(plain.err).toContain('plain HTTP')
})

test('a token that was kept for one server goes to no other', async () => {
  const own = await cliHome()
  const token = join(own.path, 'token')
  await writeFile(token, `${ADMIN_TOKEN}\n`)
  const login = await own.cli([
    'login',
    '--server',
    it.plane.adminUrl,
    '--profile',
    'here',
    '--token-file',
    token,
  ])
  expect(login.code, login.err).toBe(0)
  const profiles = join(own.path, 'config/headgate/profiles.yaml')
  expect((await stat(profiles)).mode & 0o777).toBe(0o600)
  expect((await own.cli(['whoami', '--json', 'actor'])).out).toContain('admin-token')
  expect(JSON.parse((await own.cli(['profiles', 'list'])).out)).toEqual([
    { name: 'here', server: it.plane.adminUrl, directory: null, in_use: true },
  ])
  const seen: (string | undefined)[] = []
  const other = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end('{}')
  })
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  const { port } = other.address() as AddressInfo
  expect((await own.cli(['whoami', '--server', `http://127.0.0.1:${port}`])).code).toBe(4)
  other.close()
  expect(seen).toEqual([])
  expect((await own.cli(['logout'])).code).toBe(0)
  expect((await own.cli(['whoami', '--server', it.plane.adminUrl])).code).toBe(4)
  await own.remove()
})

test('a reader who leaves ends it quietly, and Ctrl-C ends it with 130', async () => {
  for (let index = 0; index < 300; index++)
    await it.client.modelAliases.create({ body: { name: `alias-${index}` } })
  const piped = home.start(['models', 'list', '--all', '--output', 'ndjson'])
  piped.child.stdout?.destroy()
  expect(await piped.end).toMatchObject({ code: 0, err: '' })
  const watching = home.start(['teams', 'list', '--watch', '1'])
  await new Promise<void>((done) => watching.child.stdout?.once('data', () => done()))
  watching.child.kill('SIGINT')
  expect((await watching.end).code).toBe(130)
  const silent = createServer(() => {})
  await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done))
  const { port } = silent.address() as AddressInfo
  const asked = new Promise<void>((done) => silent.once('request', () => done()))
  const waiting = home.start(['teams', 'list', '--server', `http://127.0.0.1:${port}`])
  await asked
  waiting.child.kill('SIGINT')
  expect(await waiting.end).toMatchObject({ code: 130, out: '' })
  silent.close()
  silent.closeAllConnections()
})

test('all pages are read, and one that is not the last says so', async () => {
  const all = (await home.cli(['models', 'list', '--all', '-q'])).out.trim().split('\n')
  expect(all).toHaveLength(300)
  expect(new Set(all).size).toBe(300)
  const first = await home.cli(['models', 'list', '--limit', '5', '-q'])
  expect(first.out.trim().split('\n')).toHaveLength(5)
  expect(first.err).toContain('--all')
})

test('files are downloaded whole, and what was used and done can be asked for a range', async () => {
  const path = join(home.path, 'audit.ndjson')
  expect(
    (await home.cli(['audit', 'export', '--format', 'ndjson', '--range', '24h', '--out', path])).code,
  ).toBe(0)
  const events = (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.length).toBeGreaterThan(300)
  expect((await data('audit', 'list', '--kind', 'team', '--range', 'today'))[0].action).toMatch(/^team\./)
  expect((await data('usage', 'query', '--by', 'team', '--range', 'mtd')).data).toEqual([])
  expect((await data('audit', 'verify')).is_whole).toBe(true)
})

test('status and doctor say how things stand', async () => {
  expect(await data('status')).toMatchObject({
    actor: 'admin-token',
    gateways_known: 0,
    budgets_in_trouble: [],
  })
  const checks = (await data('doctor')) as { check: string; state: string; fix: string | null }[]
  expect(checks.find((one) => one.check === 'audit log')?.state).toBe('ok')
  expect(checks.every((one) => (one.state === 'ok') === (one.fix === null))).toBe(true)
  const down = await home.cli(['doctor', '--server', 'http://127.0.0.1:9'])
  expect(down.code).toBe(3)
  expect(down.out).toContain('does not answer')
})

test('a stored secret is read from a file or standard input, never from an argument', async () => {
  const argument = await home.cli([
    'secrets',
    'create',
    '--name',
    'x',
    '--value',
    'sk-in-the-list-of-processes',
  ])
  expect(argument.code).toBe(2)
  const made = await home.cli(['secrets', 'create', '--name', 'x', '--value-file', '-'], {
    input: 'sk-a-secret-of-a-provider\n',
  })
  expect(made.code, made.err).toBe(0)
  expect(JSON.parse(made.out).ref).toBe('db://x')
  expect(made.out + made.err).not.toContain('sk-a-secret')
})

test('a figure is set whether there is a limit already or not, and not where it would be unclear', async () => {
  const set = ['limits', 'set', 'team:Payments', '--measure', 'requests_per_minute', '--amount']
  const rehearsed = await data(...set, '100', '--dry-run')
  expect(rehearsed).toMatchObject({ changed: true, before: null })
  const made = await data(...set, '100')
  expect(made).toMatchObject({ amount: 100, measure: 'requests_per_minute', parent_id: null })
  expect(await data(...set, '250')).toMatchObject({ id: made.id, amount: 250 })
  expect((await home.cli([...set, 'many'])).code).toBe(2)
  const odd = await home.cli(['limits', 'set', 'team:Payments', '--measure', 'words', '--amount', '1'])
  expect([odd.code, odd.err.includes('tokens_per_minute')]).toEqual([2, true])
  expect(
    (await home.cli(['limits', 'set', 'dep_1', '--measure', 'concurrency', '--amount', '1'])).code,
  ).not.toBe(0)
})

test('places are printed, opened by the browser of the environment, and unknown ones refused with the nearest', async () => {
  expect((await home.cli(['open', 'docs'])).out).toBe(`${it.plane.adminUrl}/docs\n`)
  const heard = join(home.path, 'opened')
  const browser = join(home.path, 'browser')
  await writeFile(browser, `#!/bin/sh\nprintf %s "$1" > ${heard}\n`, { mode: 0o700 })
  expect((await home.cli(['open', '--browser'], { env: { BROWSER: browser } })).code).toBe(0)
  await until(async () => (await readFile(heard, 'utf8').catch(() => '')) !== '', 'the browser')
  expect(await readFile(heard, 'utf8')).toBe(`${it.plane.adminUrl}/`)
  const none = await home.cli(['open', '-b'], { env: { BROWSER: join(home.path, 'none') } })
  expect([none.code, none.err.includes('BROWSER')]).toEqual([1, true])
  const odd = await home.cli(['open', 'dosc'])
  expect([odd.code, odd.err.includes('Did you mean "docs"?')]).toEqual([2, true])
})

test('every guide and runbook of the checkout is printed as it is', async () => {
  const topics = (await data('docs')) as { name: string; title: string }[]
  expect(topics.map((one) => one.name)).toEqual(expect.arrayContaining(['budgets', 'redis-down', 'cli']))
  expect(topics.every((one) => one.title !== '')).toBe(true)
  const page = await readFile(join(import.meta.dirname, '../../docs/guides/budgets.md'), 'utf8')
  expect((await home.cli(['docs', 'budgets'])).out).toBe(page)
  const odd = await home.cli(['docs', 'budget'])
  expect([odd.code, odd.err.includes('Did you mean "budgets"?')]).toEqual([2, true])
})

test('the help is data for programmes, of all commands or of some', async () => {
  const all = await data('help', '--output', 'json')
  expect(all.length).toBeGreaterThan(150)
  const [one] = await data('help', 'logs', 'tail', '--output', 'json')
  expect(one).toMatchObject({ command: 'logs tail', operation: 'requests.stream', destructive: false })
})

test('a budget is raised for a while by its name, told with what is added, and lowered again', async () => {
  const [team] = (await it.client.teams.list({ query: { q: 'Payments' } })).data
  await it.client.budgets.create({
    body: {
      ...{ ownerId: team?.id ?? '', name: 'Launch month', currency: 'EUR', amountNanos: 500_000_000_000 },
      period: { kind: 'month' },
    },
  })
  const override = ['budgets', 'override', '--budget', 'Launch month', '--amount', '12.50']
  expect((await home.cli(override)).err).toContain('--reason')
  const made = await data(...override, '--reason', 'The launch of Monday')
  expect(made).toMatchObject({ amount_nanos: 12_500_000_000, reason: 'The launch of Monday' })
  const [live] = await data(
    ...['budgets', 'live', '--budget', 'Launch month', '--json', 'amount_nanos,override_nanos'],
  )
  expect(live).toEqual({ amount_nanos: 512_500_000_000, override_nanos: 12_500_000_000 })
  expect(await data('budgets', 'overrides', '--budget', 'Launch month', '--state', 'in_force')).toEqual([
    made,
  ])
  await data('budgets', 'change-override', made.id, '--amount', '20')
  const ended = await data('budgets', 'end-override', made.id, '--yes')
  expect([ended.amount_nanos, Date.parse(ended.effective_to) <= Date.now()]).toEqual([20_000_000_000, true])
  expect((await data('budgets', 'show', 'Launch month')).amount_nanos).toBe(500_000_000_000)
})

test('prices of one’s own that a list would cross are kept, and said', async () => {
  const lines = [{ kind: 'input' as const, nanos: 1_000 }]
  const effectiveTo = new Date(Date.now() + 86_400_000).toISOString()
  const effectiveFrom = '2026-01-01T00:00:00Z'
  const own = { model: 'agreed', currency: 'EUR', lines, effectiveFrom, effectiveTo }
  const { id } = await it.client.prices.create({ body: own })
  const listed = { provider: null, currency: 'EUR', is_free: false, source: null }
  const priced = [{ kind: 'input', nanos: 2_000, service_tier: 'standard', above_input_tokens: 0 }]
  const prices = ['agreed', 'beside'].map((model) => ({ ...listed, model, lines: priced }))
  const input = JSON.stringify({ list: { source: 'a list', day: '2026-11-01', prices } })
  const { code, out, err } = await home.cli(['prices', 'import', '--file', '-'], { input })
  expect(code, err).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ kept: [{ id }], differences: [{ model: 'beside' }] })
  expect(err).toContain('were kept, and the listed ones left out: agreed.')
})
