/** Random files that hold together: things of every kind, with names that a file could stumble over. */
import fc from 'fast-check'

/** Blanks, quotes, dollars, words that YAML takes for something else. */
const displayName = fc.constantFrom(
  ...[
    'A b',
    'null',
    '007',
    "O'Hara",
    '- x',
    '#1',
    'a: b',
    'a$$b $1 $',
    'ünï',
    'yes',
    '"q"',
    '1e3',
    'x/y',
    '~',
  ],
)
const machineName = fc.constantFrom(
  ...['a', '0', '1.0', 'null', 'true', 'x-y', '0x1F', 'a:b', '2026-01-01', 'no', '1e3', '5'],
)
/** Of a model entry that an alias may have the name of. */
const MODEL_NAME = 'null'
const unique = <T>(items: fc.Arbitrary<T>, max: number) => fc.uniqueArray(items, { maxLength: max })

/** What a file is made from. */
export const configPlan = fc.record({
  models: unique(machineName, 4),
  teams: unique(displayName, 3),
  apps: unique(displayName, 3),
  resources: unique(machineName, 3),
  quotas: unique(machineName, 2),
  deployments: unique(machineName, 4),
  picks: fc.array(fc.nat({ max: 1000 }), { minLength: 150, maxLength: 150 }),
  shares: fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 3, maxLength: 3 }),
  amounts: unique(fc.integer({ min: 1, max: 9_000_000_000_000_000 }), 3),
})
type Plan = typeof configPlan extends fc.Arbitrary<infer T> ? T : never

/** One of these, by the next random number. */
type Pick = <T>(items: readonly T[]) => T
type Owner = { readonly team: string; readonly app?: string }
type Deployment = { readonly name: string }

type World = {
  readonly it: Plan
  readonly pick: Pick
  readonly owners: readonly Owner[]
  readonly deployments: readonly Deployment[]
}

/** The text of a file. JSON is YAML, and leaves nothing to whoever writes it; a dollar begins a variable. */
export function configOf(it: Plan): string {
  let at = 0
  const pick: Pick = (items) => items[(it.picks[at++ % it.picks.length] ?? 0) % items.length] as never
  const apps = it.teams.flatMap((team) => it.apps.map((name) => ({ team, name })))
  const owners = [
    ...it.teams.map((team) => ({ team })),
    ...apps.map(({ team, name }) => ({ team, app: name })),
  ]
  const quotas = it.resources.flatMap((resource) => it.quotas.map((name) => quotaOf(resource, name, pick)))
  const deployments =
    it.resources.length === 0 ? [] : it.deployments.map((name) => deploymentOf(name, it, pick))
  const world = { it, pick, owners, deployments }
  const file = {
    version: 1,
    // One of the names may be a model's too, which an alias takes on purpose or not at all.
    models: it.models.map((name) => ({ name, overrides_model: pick([true, false]) || name === MODEL_NAME })),
    teams: it.teams.map((name) => ({ name, allowed_models: pick([null, [], it.models]) })),
    apps: apps.map((app) => ({
      ...app,
      allowed_models: pick([null, it.models]),
      rotation_rule: pick([null, { every_days: 30, when_overdue: 'block' }]),
    })),
    resources: it.resources.map((name) => resourceOf(name, pick)),
    ...{ quotas, deployments },
    model_entries: modelEntriesOf(pick),
    routes: deployments.length === 0 ? [] : it.models.map((model) => routeOf(model, world)),
    policies: policiesOf(world),
    limits: limitsOf(
      world,
      quotas.filter((quota) => quota.tokens_per_minute !== null),
    ),
    ...moneyOf(world),
    ...peopleOf(world),
  }
  return JSON.stringify(file, (_, value) =>
    typeof value === 'string' ? value.replaceAll('$', '$$$$') : value,
  )
}

function quotaOf(resource: string, name: string, pick: Pick) {
  const tokens_per_minute = pick([null, 5, 90_000])
  return { resource, name, tokens_per_minute, requests_per_minute: pick([null, 7]) }
}

function resourceOf(name: string, pick: Pick): object {
  return {
    name,
    secret_ref: pick(['env://A_KEY', 'kv://vault/name']),
    ...pick<object>([
      { api_style: 'openai', origin: 'https://api.openai.com' },
      { api_style: 'azure-v1', origin: 'https://a.openai.azure.com' },
      { api_style: 'azure-dated', origin: 'https://a.openai.azure.com', api_version: '2024-10-21' },
    ]),
  }
}

function deploymentOf(name: string, { resources, quotas }: Plan, pick: Pick): Deployment {
  const where = { resource: pick(resources), quota: pick([null, ...quotas]) }
  return { name, ...where, ...{ upstream_model: pick(['m', 'gpt-4o']), priced_as: pick([null, 'p']) } }
}

function modelEntriesOf(pick: Pick): object[] {
  return pick([[], ['p'], ['p', 'm', MODEL_NAME]]).map((name) => ({
    name,
    provider: pick([null, 'openai', 'azure']),
    endpoints: pick([null, ['chat.completions', 'responses'], ['responses', 'chat.completions']]),
    context_tokens: pick([null, 128_000]),
    output_tokens_max: pick([null, 1]),
    input_modalities: pick([null, ['text', 'image'], ['image', 'text']]),
    retired_on: pick([null, '2090-01-01']),
    note: pick([null, 'of $5: "x"\n# two lines', '']),
    source: pick([null, 'a list: $1, 2026-08-01']),
  }))
}

/** Rules differ by a tag, so that none hides another. */
function routeOf(model: string, { pick, owners, deployments }: World): object {
  const teams = owners.filter((owner) => owner.app === undefined).map((owner) => owner.team)
  const apps = owners.filter((owner) => owner.app !== undefined)
  const window = { time_zone: pick(['UTC', 'Europe/Berlin']), from: '22:00', to: pick(['06:00', '24:00']) }
  const tiers = () => [[{ deployment: pick(deployments).name, weight: pick([1, 3, 1000]) }]]
  const rules = pick([0, 1, 3])
  return {
    model,
    tiers: tiers(),
    choice: pick(['weighted', 'sticky']),
    rules: Array.from({ length: rules }, (_, index) => ({
      name: `${pick(['null', 'by night: $1', '7'])} ${index}`,
      when: {
        teams: teams.length === 0 ? null : pick([null, teams, teams.toReversed()]),
        apps: apps.length === 0 ? null : pick([null, apps, apps.toReversed()]),
        endpoints: pick([null, ['chat.completions'], ['responses', 'chat.completions']]),
        tags: [{ name: 'stage', values: [`v${index}`, `0x${index}`] }],
        times: pick([null, [window], [{ ...window, weekdays: ['sun', 'mon'] }]]),
      },
      tiers: tiers(),
      choice: pick(['weighted', 'least_busy', 'fastest']),
    })),
  }
}

function policiesOf({ it, pick, owners }: World): object[] {
  return [null, ...owners.slice(0, 4)].map((owner) => ({
    name: pick(['p', 'no: $x', '1e3']),
    owner,
    mode: pick(['enforce', 'shadow']),
    denied_models: pick([null, it.models]),
    allowed_endpoints: pick([null, ['embeddings', 'chat.completions']]),
    denied_resources:
      it.resources.length === 0 ? null : pick([null, it.resources, it.resources.toReversed()]),
    choices_max: pick([null, 3]),
    output_tokens_max: pick([null, 500]),
    request_bytes_max: pick([null, 1_000_000]),
  }))
}

function limitsOf({ it, pick }: World, quotas: readonly { resource: string; name: string }[]): object[] {
  const [quota] = quotas
  const free = it.teams.map((team) => ({
    owner: { team },
    measure: pick(['concurrent_calls', 'requests_per_minute', 'tokens_per_day']),
    amount: pick([1, 1_000_000]),
    on_outage: pick(['local', 'open', 'closed']),
  }))
  if (quota === undefined) return free
  const shared = it.teams.map((team, index) => ({
    ...{ owner: { team }, quota: `${quota.resource}/${quota.name}`, measure: 'tokens_per_minute' },
    ...{ allow_oversubscription: true, share: (it.shares[index] ?? 1) / 1_000_000, on_outage: 'closed' },
    parts: it.apps.map((app, place) => ({
      owner: { team, app },
      ...(place % 2 === 0
        ? { share: 0.5, borrows: pick([true, false]) }
        : { amount: 9, ...(it.models[0] === undefined ? {} : { model: it.models[0] }) }),
    })),
  }))
  return [...free, ...shared]
}

/** Budgets, prices one after the other, agreements, exchange rates. */
function moneyOf({ it, pick, owners, deployments }: World): object {
  const steps = [
    ...[
      { action: 'block', at_percent: 100 },
      { action: 'alert', at_percent: 50 },
    ],
    { action: 'throttle', at_percent: 80, requests_per_minute: 5 },
    ...it.models.slice(0, 1).map((model) => ({
      ...{ action: 'downshift', at_percent: 90, model, instead_of: pick([null, it.models]) },
    })),
  ]
  const spans = [
    { effective_from: '2025-12-31T23:00:00Z', effective_to: '2026-06-01T00:00:00+02:00' },
    { effective_from: pick(['2026-06-01T00:00:00Z', '2026-06-01T02:00:00+02:00']), effective_to: null },
    { effective_from: '2090-01-01T00:00:00Z', effective_to: pick([null, '2090-02-01T00:00:00Z']) },
  ]
  const during = <T extends object>(of: () => T) =>
    spans.slice(pick([0, 1, 2])).map((span) => ({ ...of(), ...span }))
  return {
    budgets: it.amounts.flatMap((nanos, index) =>
      owners.slice(index, index + 1).map((owner) => ({
        ...{ owner, name: pick(['Month $', '2026', 'b: c']), currency: 'EUR' },
        amount: `${Math.floor(nanos / 1e9)}.${String(nanos % 1e9).padStart(9, '0')}`,
        time_zone: pick(['UTC', 'Europe/Berlin']),
        steps: steps.slice(pick([0, 1, 2])),
        period: pick<object>([
          { kind: 'month' },
          { kind: 'days', days: 3, from: '2026-01-01' },
          { kind: 'span', from: '2026-01-01', to: '2026-02-01' },
        ]),
      })),
    ),
    prices: pick([[], ['p'], ['p', '1.0', 'null']]).flatMap((model) => {
      const provider = pick([null, 'openai', 'azure'])
      return during(() => ({ model, provider, ...priceOf(pick) }))
    }),
    agreements: [
      ...it.resources.slice(0, 1).flatMap((resource) => during(() => ({ resource, ...agreementOf(pick) }))),
      ...deployments
        .slice(0, 1)
        .flatMap(({ name }) => during(() => ({ deployment: name, ...agreementOf(pick) }))),
    ],
    exchange_rates: pick([[], ['2026-11-24'], ['2026-11-24', '2024-02-29']]).map((day) => ({
      ...{ base: 'EUR', quote: pick(['USD', 'NOK']), day, source: pick(['ECB', 'no: #1']) },
      rate_billionths: pick([1, 1_084_500_000, 1_000_000_000_000_000]),
    })),
  }
}

function priceOf(pick: Pick): object {
  const line = { kind: 'input', nanos: pick([0, 150_000_000, 1_000_000_000_000_000]) }
  const lines = [line, { ...line, service_tier: 'batch' }, { ...line, above_input_tokens: 200_000 }]
  const said = { currency: pick(['EUR', 'NOK']), source: pick([null, 'contract: $1']) }
  return pick([
    { ...said, is_free: true },
    { ...said, lines },
    { ...said, lines: lines.toReversed() },
  ])
}

function agreementOf(pick: Pick): object {
  const note = pick([null, 'null', 'a: $b'])
  return pick<object>([
    { note, multiplier_millionths: pick([1, 850_000]) },
    { note, reserved_nanos_per_hour: pick([0, 1_000_000_000_000_000]), currency: 'NOK' },
  ])
}

/** Whoever is told of what, and may do what; and what the organisation chose. */
function peopleOf({ it, pick }: World): object {
  const named = it.teams.length === 0 ? null : pick([null, it.teams, it.teams.toReversed()])
  const types = pick([null, ['budget.reached'], ['budget.forecast', 'budget.reached']])
  return {
    alert_channels: pick([[], ['null'], ['ops: $1', '#2', '3']]).map((name) => ({
      ...{ name, event_types: types, teams: named, secret_ref: pick(['env://HOOK', 'kv://vault/hook']) },
      ...pick<object>([
        { kind: 'webhook', url: 'https://alerts.example.com/a?b=$c' },
        { kind: 'slack' },
        { kind: 'teams' },
        { kind: 'email', mail_from: 'a@example.com', mail_to: ['c@example.com', 'b@example.com'] },
      ]),
    })),
    role_mappings: ['no', '0x1F', 'a$b'].slice(pick([0, 1, 2, 3])).map((value) => ({
      ...{ claim: pick(['roles', 'groups']), value, role: pick(['viewer', 'finance']), teams: named },
    })),
    settings: [
      { name: 'keep_exports_days', value: pick([7, 90]) },
      { name: 'reporting_zone', value: pick(['UTC', 'Europe/Berlin']) },
      { name: 'key_expiry_days', value: pick([null, 30]) },
      { name: 'export_rows_max', value: pick([null, 1_000_000_000]) },
    ].slice(pick([0, 1, 2, 3, 4])),
  }
}
