/** One file says what an installation is made of: out of one instance, into an empty one, and out again the same. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane, type TestPlane } from '../admin/harness.ts'
import { type CliHome, cliHome } from './run-cli.ts'

const FULL = `
version: 1
models: [{ name: small }, { name: large, overrides_model: true }]
teams:
  - { name: Payments, allowed_models: [small] }
  - { name: "Search / find: $5" }
apps:
  - { team: Payments, name: checkout, rotation_rule: { every_days: 90, when_overdue: block } }
  - { team: "Search / find: $5", name: checkout, allowed_models: [large] }
resources:
  - { name: east, api_style: openai, origin: "https://api.openai.com", secret_ref: "env://OPENAI_API_KEY" }
  - { name: west, api_style: azure-dated, origin: "https://west.example.com", api_version: 2024-10-21, secret_ref: "kv://vault/west" }
quotas:
  - resource: east
    name: main
    tokens_per_minute: \${TPM:-1000}
    requests_per_minute: 60
model_entries:
  - { name: gpt-small, endpoints: [chat.completions, responses], context_tokens: 128000, output_tokens_max: 16384 }
  - { name: gpt-large, provider: azure, retired_on: 2090-01-01, input_modalities: [text, image], note: from the portal, source: "a list, 2026-08-01" }
deployments:
  - { name: east-small, resource: east, quota: main, upstream_model: gpt-small }
  - { name: west-large, resource: west, upstream_model: depl, priced_as: gpt-large }
routes:
  - model: small
    choice: fastest
    tiers: [[{ deployment: east-small }], [{ deployment: west-large, weight: 3 }]]
    rules:
      - name: Payments by night
        when: { teams: [Payments], apps: [{ team: Payments, app: checkout }], times: [{ time_zone: UTC, from: "22:00", to: "06:00" }] }
        tiers: [[{ deployment: west-large }]]
policies:
  - { name: No images, owner: null, denied_endpoints: [embeddings] }
  - { name: East, owner: { team: Payments, app: checkout }, mode: shadow, allowed_resources: [east], output_tokens_max: 500 }
limits:
  - owner: { team: Payments }
    quota: east/main
    measure: tokens_per_minute
    share: 0.7
    parts:
      - { owner: { team: Payments, app: checkout }, share: 0.9, guarantee: 0.1, borrows: true, model: small }
  - owner: { team: "Search / find: $5" }
    quota: east/main
    measure: tokens_per_minute
    share: 0.6
    allow_oversubscription: true
  - { owner: { team: Payments }, measure: concurrent_calls, amount: 5, on_outage: closed }
budgets:
  - owner: { team: Payments }
    name: Month
    currency: EUR
    amount: "500.25"
    period: { kind: month }
    time_zone: Europe/Berlin
    steps: [{ action: block, at_percent: 100 }, { action: downshift, at_percent: 80, model: small }]
prices:
  - model: gpt-small
    currency: EUR
    lines: [{ kind: input, nanos: 150000000 }, { kind: output, nanos: 600000000 }]
    effective_from: 2026-01-01T00:00:00+01:00
agreements:
  - { resource: east, multiplier_millionths: 850000, effective_from: 2026-01-01T00:00:00Z }
exchange_rates:
  - { base: EUR, quote: USD, day: 2026-11-24, rate_billionths: 1084500000, source: ECB }
alert_channels:
  - name: ops
    kind: webhook
    url: https://alerts.example.com/hook
    secret_ref: env://HOOK
    event_types: [budget.reached]
    teams: [Payments]
    budgets: [{ owner: { team: Payments }, name: Month }]
role_mappings:
  - { claim: groups, value: finance, role: finance, teams: [Payments] }
  - { claim: roles, value: Admin, role: admin }
settings:
  - { name: key_expiry_days, value: 90 }
  - { name: reporting_zone, value: Europe/Berlin }
`.replaceAll(': $5', () => ': $$5')

type Instance = { plane: TestPlane; home: CliHome }
let one: Instance
let two: Instance
const instance = async (): Promise<Instance> => {
  const plane = await startTestPlane()
  const home = await cliHome({ HEADGATE_URL: plane.plane.adminUrl, HEADGATE_TOKEN: ADMIN_TOKEN })
  return { plane, home }
}
beforeAll(async () => {
  one = await instance()
  two = await instance()
})
afterAll(async () => {
  for (const { plane, home } of [one, two]) {
    await plane.stop()
    await home.remove()
  }
})

const write = async ({ home }: Instance, text: string) => {
  const path = join(home.path, 'headgate.yaml')
  await writeFile(path, text)
  return path
}
const config = async (at: Instance, verb: string, text: string, ...more: string[]) =>
  at.home.cli(['config', verb, await write(at, text), ...more])
const exported = async (at: Instance) => {
  const { code, out, err } = await at.home.cli(['config', 'export'])
  expect(code, err).toBe(0)
  return out
}

test('a file is applied as one version, again changes nothing, and comes out of another instance the same', async () => {
  expect(await config(one, 'validate', FULL)).toMatchObject({ code: 0 })
  expect((await config(one, 'diff', FULL)).code).toBe(3)
  const { version } = await one.plane.client.catalog.read()
  const rehearsed = await config(one, 'apply', FULL, '--dry-run')
  expect(rehearsed.code, rehearsed.err).toBe(0)
  expect((await one.plane.client.teams.list()).data).toEqual([])
  const applied = await config(one, 'apply', FULL, '--message', 'As written')
  expect(applied.code, applied.err).toBe(0)
  expect(await one.plane.client.catalog.read()).toMatchObject({ version: version + 1, message: 'As written' })
  for (const verb of ['apply', 'diff']) {
    const again = await config(one, verb, FULL)
    expect([again.code, verb, again.out], again.err).toEqual([0, verb, verb === 'diff' ? '[]\n' : ''])
  }
  const before = (await one.plane.client.auditEvents.list()).data[0]!.id
  await config(one, 'apply', FULL)
  expect((await one.plane.client.auditEvents.list()).data[0]!.id).toBe(before)
  const first = await exported(one)
  expect(first).toContain('$$5')
  const moved = await config(two, 'apply', first)
  expect(moved.code, moved.err).toBe(0)
  expect(await exported(two)).toBe(first)
  expect((await config(two, 'diff', first)).code).toBe(0)
})

test('what differs is shown, changed, and nothing besides', async () => {
  const text = (await exported(one))
    .replace('share: 0.7', 'share: 0.5')
    .replace('tokens_per_minute: 1000', 'tokens_per_minute: 2000')
    .replace('2090-01-01', '2091-01-01')
  const diff = await config(one, 'diff', text)
  expect(diff.code).toBe(3)
  expect(JSON.parse(diff.out)).toEqual([
    {
      ...{ action: 'change', kind: 'model entry', name: 'gpt-large at azure', field: 'retired_on' },
      ...{ from: '2090-01-01', to: '2091-01-01' },
    },
    { action: 'change', kind: 'quota', name: 'east/main', field: 'tokens_per_minute', from: 1000, to: 2000 },
    {
      action: 'change',
      kind: 'limit',
      name: 'Payments: tokens_per_minute',
      field: 'share',
      from: 0.7,
      to: 0.5,
    },
  ])
  const { version } = await one.plane.client.catalog.read()
  expect((await config(one, 'apply', text)).code).toBe(0)
  expect((await one.plane.client.catalog.read()).version).toBe(version + 1)
  expect((await config(one, 'diff', text)).code).toBe(0)
})

test('what is not in the file is removed only when that is asked for, and a section that is left out is left alone', async () => {
  const text = await exported(one)
  const less = text
    .replace(/agreements:[\s\S]*/, '')
    .replace(/ {2}- name: No images[\s\S]*?(?= {2}- name: East)/, '')
  const kept = await config(one, 'apply', less)
  expect([kept.code, kept.out]).toEqual([0, ''])
  expect(kept.err).toContain('1 things are there and not in the file')
  expect((await config(one, 'diff', less)).code).toBe(3)
  const unasked = await config(one, 'apply', less, '--prune')
  expect(unasked.code).toBe(2)
  expect(unasked.err).toContain('--yes')
  expect((await config(one, 'apply', less, '--prune', '--yes')).code).toBe(0)
  expect((await one.plane.client.policies.list()).data.map((it) => it.name)).toEqual(['East'])
  expect((await one.plane.client.alertChannels.list()).data).toHaveLength(1)
  expect((await config(one, 'apply', text)).code).toBe(0)
  expect(await exported(one)).toBe(text)
  // A team that had a budget is kept for its history, as the admin API has it.
  const nothing = 'policies limits routes deployments quotas alert_channels role_mappings apps'.split(' ')
  const emptied = `version: 1\n${nothing.map((section) => `${section}: []`).join('\n')}\n`
  const gone = await config(one, 'apply', emptied, '--prune', '--yes')
  expect(gone.code, gone.err).toBe(0)
  expect((await one.plane.client.apps.list()).data).toEqual([])
  const back = await config(one, 'apply', text)
  expect(back.code, back.err).toBe(0)
  expect(await exported(one)).toBe(text)
})

test('a file with one conflict changes nothing, and says where it is', async () => {
  const before = await exported(two)
  const { version } = await two.plane.client.catalog.read()
  const text = before
    .replace('- name: small\n', '- name: small\n  - name: added\n')
    .replace('weight: 3', 'weight: 4')
  const broken = text.replace(/(action: downshift\n\s+at_percent: 80\n\s+model:) small/, '$1 nowhere')
  expect(broken).not.toBe(text)
  const refused = await config(two, 'apply', broken)
  expect(refused.code).toBe(2)
  expect(refused.err).toMatch(/headgate\.yaml:\d+:\d+/)
  expect(refused.err).toContain('Nothing was changed')
  expect(await exported(two)).toBe(before)
  expect((await two.plane.client.catalog.read()).version).toBe(version)
})

test('what is wrong is told with its place, all of it together, and no secret is repeated', async () => {
  const secret = `sk-${'abcdefgh12345678'.repeat(2)}`
  const text = `version: 1
teams:
  - name: A
  - name: A
    colour: red
apps:
  - { team: B, name: x }
resources:
  - name: r
    api_style: openai
    origin: http://example.com
    secret_ref: ${secret}
quotas: [{ resource: r, name: q, tokens_per_minute: "\${NOT_SET:?say how many}" }]
`
  const wrong = await config(one, 'validate', text)
  expect(wrong.code).toBe(3)
  for (const place of [
    ':5:5: teams[1].colour: there is no such field',
    ':11:5: resources[0].origin',
    ':12:5: resources[0].secret_ref: this looks like a secret',
    'NOT_SET: say how many',
  ])
    expect(wrong.err).toContain(place)
  expect(wrong.err).not.toContain(secret)
  const twice = await config(
    one,
    'validate',
    'version: 1\nteams:\n  - name: A\n  - name: A\napps:\n  - { team: B, name: x }\n',
  )
  expect(twice.err).toContain(':4:5: teams[1]: the team "A" stands here twice')
  expect(twice.err).toContain(':6:5: apps[0]: there is no team "B"')
  for (const bad of [
    'version: 2',
    'a: [',
    'version: 1\nversion: 1',
    '- x',
    'version: 1\nteams: &a [*a]',
    '',
  ]) {
    const { code, err } = await config(one, 'validate', bad)
    expect([bad, code], err).toEqual([bad, 3])
    expect(err).not.toContain('fault of headgate')
  }
  expect((await one.home.cli(['config', 'validate', 'nowhere.yaml'])).code).toBe(2)
})

test('a price that is in force is not rewritten by a file and not pruned; it is closed and followed, in whatever order they stand', async () => {
  const text = await exported(two)
  const from = /(effective_from: "?2025-12-31T23:00:00.000Z"?\n)/
  const later = (instant: string, nanos: number) =>
    `prices:\n  - { model: gpt-small, currency: EUR, lines: [{ kind: input, nanos: ${nanos} }], effective_from: ${instant} }\n`
  expect(text).toMatch(from)
  const refused = await config(two, 'diff', text.replace('nanos: 150000000', 'nanos: 160000000'))
  expect(refused.code).toBe(3)
  expect(refused.err).toContain('later effective_from')

  const ended = text.replace(from, '$1    effective_to: 2095-01-01T00:00:00Z\n')
  expect((await config(two, 'apply', ended)).code).toBe(0)
  const sooner = ended.replace('2095', '2090')
  const followed = sooner.replace('prices:\n', later('2090-01-01T00:00:00Z', 9))
  const done = await config(two, 'apply', followed)
  expect(done.code, done.err).toBe(0)
  const rewritten = await config(two, 'apply', followed.replace('nanos: 9 }', 'nanos: 8 }'))
  expect(rewritten.code, rewritten.err).toBe(0)
  const prices = (await two.plane.client.prices.list({ query: { sort: 'effective_from' } })).data
  expect(prices.map((it) => [it.effectiveFrom, it.effectiveTo, it.lines[0]?.nanos])).toEqual([
    ['2025-12-31T23:00:00.000Z', '2090-01-01T00:00:00.000Z', 150_000_000],
    ['2090-01-01T00:00:00.000Z', null, 8],
  ])
  expect((await config(two, 'diff', await exported(two))).code).toBe(0)

  const without = 'version: 1\nprices: []\nagreements: []\nexchange_rates: []\nsettings: []\n'
  const pruned = await config(two, 'apply', without, '--prune', '--yes')
  expect(pruned.code, pruned.err).toBe(0)
  const { client } = two.plane
  expect((await client.prices.list()).data.map((it) => it.id)).toEqual([prices[0]!.id])
  expect((await client.agreements.list()).data).toHaveLength(1)
  expect((await client.exchangeRates.list()).data).toEqual([])
  expect((await client.settings.list()).data.some((it) => it.source === 'stored')).toBe(false)
  expect((await config(two, 'diff', without)).code).toBe(0)
})
