/** Whatever an installation is made of, its file makes another one of which the file is the same, byte for byte. */
import { adminClient } from '@headgate/admin-contract/client'
import { asBatchItem, batchItems } from '@headgate/cli/config-file/batch-items'
import { configText } from '@headgate/cli/config-file/export'
import { flatLimits, limitIdentity, limitTree } from '@headgate/cli/config-file/limit-tree'
import { readLive } from '@headgate/cli/config-file/live'
import { planOf, statedFaults, statedIn } from '@headgate/cli/config-file/plan'
import type { LimitPart } from '@headgate/cli/config-file/shape'
import { readConfigText } from '@headgate/cli/config-file/yaml-file'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ADMIN_TOKEN, startTestPlane } from '../admin/harness.ts'
import { rounds } from '../servers/rounds.ts'

const stop = new AbortController().signal
const nat = (max: number) => fc.nat({ max })

/** Names that a file could stumble over: blanks, quotes, dollars, words that YAML takes for something else. */
const displayName = fc.constantFrom(
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
)
const machineName = fc.constantFrom('a', '0', '1.0', 'null', 'true', 'x-y', '0x1F', 'a:b', '2026-01-01', 'no')
const unique = <T>(items: fc.Arbitrary<T>, max: number) => fc.uniqueArray(items, { maxLength: max })
const oneOf = <T>(items: readonly T[], at: number) => items[at % items.length] as T

const plan = fc.record({
  models: unique(machineName, 4),
  teams: unique(displayName, 3),
  apps: unique(displayName, 3),
  resources: unique(machineName, 3),
  quotas: unique(machineName, 2),
  deployments: unique(machineName, 4),
  picks: fc.array(nat(1000), { minLength: 40, maxLength: 40 }),
  tree: fc.array(
    fc.record({ share: fc.integer({ min: 1, max: 1_000_000 }), of: nat(3), borrows: fc.boolean() }),
    { maxLength: 5 },
  ),
  amounts: unique(fc.integer({ min: 1, max: 9_000_000_000_000_000 }), 3),
})
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never

/** A file that holds together. */
function fileOf(it: Plan): string {
  let at = 0
  const pick = <T>(items: readonly T[]) => oneOf(items, it.picks[at++ % it.picks.length] ?? 0)
  const apps = it.teams.flatMap((team) => it.apps.map((name) => ({ team, name })))
  const quotas = it.resources.flatMap((resource) =>
    it.quotas.map((name) => ({
      resource,
      name,
      tokens_per_minute: pick([null, 5, 90000]),
      requests_per_minute: pick([null, 7]),
    })),
  )
  const deployments =
    it.resources.length === 0
      ? []
      : it.deployments.map((name) => {
          const resource = pick(it.resources)
          const quota = pick([null, ...it.quotas])
          return {
            name,
            resource,
            quota,
            upstream_model: pick(['m', 'gpt-4o']),
            priced_as: pick([null, 'p']),
          }
        })
  const owners = [
    ...it.teams.map((team) => ({ team })),
    ...apps.map(({ team, name }) => ({ team, app: name })),
  ]
  // JSON is YAML, and leaves nothing to whoever writes it.
  return JSON.stringify({
    version: 1,
    models: it.models.map((name) => ({ name })),
    teams: it.teams.map((name) => ({ name: dollars(name), allowed_models: pick([null, [], it.models]) })),
    apps: apps.map(({ team, name }) => ({ team: dollars(team), name: dollars(name) })),
    resources: it.resources.map((name) => ({
      ...{
        name,
        api_style: 'openai',
        origin: 'https://api.openai.com',
        secret_ref: pick(['env://A_KEY', 'kv://vault/name']),
      },
    })),
    quotas,
    deployments,
    routes:
      deployments.length === 0
        ? []
        : it.models.map((model) => ({
            model,
            tiers: [[{ deployment: pick(deployments).name, weight: 1 + (at % 5) }]],
          })),
    ...rulesOf(it, owners, quotas, pick),
  })
}

type Quota = { readonly resource: string; readonly name: string; readonly tokens_per_minute: number | null }
type Pick = <T>(items: readonly T[]) => T

function rulesOf(it: Plan, owners: readonly object[], quotas: readonly Quota[], pick: Pick): object {
  return {
    policies: owners.slice(0, 3).map((owner) => ({
      name: 'p',
      owner: dollarsIn(owner),
      denied_models: pick([null, it.models]),
      choices_max: pick([null, 3]),
    })),
    limits: limitsOf(
      it,
      quotas.filter((quota) => quota.tokens_per_minute !== null),
    ),
    budgets: it.amounts.flatMap((nanos, index) =>
      owners.slice(index, index + 1).map((owner) => ({
        ...{
          owner: dollarsIn(owner),
          name: dollars(`b ${index}`),
          currency: 'EUR',
          amount: `${Math.floor(nanos / 1e9)}.${String(nanos % 1e9).padStart(9, '0')}`,
        },
        period: pick([
          { kind: 'month' },
          { kind: 'days', days: 3, from: '2026-01-01' },
          { kind: 'span', from: '2026-01-01', to: '2026-02-01' },
        ]),
      })),
    ),
  }
}

const dollars = (text: string) => text.replaceAll('$', '$$$$')
const dollarsIn = (owner: object) =>
  Object.fromEntries(Object.entries(owner).map(([name, text]) => [name, dollars(String(text))]))

function limitsOf(it: Plan, quotas: readonly { resource: string; name: string }[]): unknown[] {
  const [quota] = quotas
  if (quota === undefined) return []
  const roots = it.teams.map((team, index) => ({
    ...{
      owner: { team: dollars(team) },
      quota: `${quota.resource}/${quota.name}`,
      measure: 'tokens_per_minute',
      allow_oversubscription: true,
    },
    ...{ share: (it.tree[index]?.share ?? 500_000) / 1_000_000, on_outage: 'closed' },
    parts: it.apps.map((app, place) => ({
      owner: { team: dollars(team), app: dollars(app) },
      ...(place % 2 === 0
        ? { share: 0.5, borrows: it.tree[place]?.borrows ?? false }
        : { amount: 9, ...(it.models[0] === undefined ? {} : { model: it.models[0] }) }),
    })),
  }))
  return roots
}

async function apply(text: string, client: ReturnType<typeof adminClient>): Promise<number> {
  const file = readConfigText(text, 'it.yaml', {})
  expect(file.faults).toEqual([])
  const stated = statedIn(file.config!)
  const live = await readLive(client, stop)
  expect(statedFaults(file.config!, stated, live)).toEqual([])
  const { steps, faults } = planOf(file.config!, stated, live)
  expect(faults).toEqual([])
  if (steps.length === 0) return 0
  const ids = new Map(live.things.map((it) => [`${it.kind.section} ${it.identity}`, it.id]))
  await client.batch.run({
    body: { atomic: true, items: batchItems(steps, ids, new Map()).map(asBatchItem) },
  })
  return steps.length
}

test('a file makes an instance whose file makes another one with the same file', {
  timeout: 600_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (it) => {
      const text = fileOf(it)
      const [one, two] = [await startTestPlane(), await startTestPlane()]
      try {
        await apply(text, one.client)
        expect(await apply(text, one.client)).toBe(0)
        const first = configText(await readLive(one.client, stop))
        expect(await apply(first, one.client)).toBe(0)
        await apply(first, adminClient({ origin: two.plane.adminUrl, token: ADMIN_TOKEN }))
        expect(configText(await readLive(two.client, stop))).toBe(first)
      } finally {
        await one.stop()
        await two.stop()
      }
    }),
    { numRuns: rounds(12), seed: 7, endOnFailure: true },
  )
})

const owner = fc.record({ team: fc.constantFrom('a', 'b') })
const part: fc.Memo<LimitPart> = fc.memo((depth) =>
  fc.record({
    ...{
      owner,
      model: fc.constantFrom(null, 'm'),
      amount: fc.constantFrom(1, 2),
      share: fc.constant(null),
      guarantee: fc.constant(null),
    },
    ...{
      borrows: fc.boolean(),
      onOutage: fc.constantFrom('local' as const, 'open' as const),
      allowOversubscription: fc.constant(false),
    },
    parts: depth > 1 ? fc.array(part(depth - 1), { maxLength: 2 }) : fc.constant([]),
  }),
)

test('a tree of limits taken apart and put together is the same tree', () => {
  const root = part(3).chain((it) =>
    fc.record({
      ...Object.fromEntries(Object.entries(it).map(([name, value]) => [name, fc.constant(value)])),
      quota: fc.constantFrom(null, 'r/q'),
      measure: fc.constantFrom('tokens_per_minute', 'concurrent_calls'),
    }),
  )
  fc.assert(
    fc.property(fc.array(root, { maxLength: 4 }), (roots) => {
      const flat = flatLimits(roots as never).map((it) => it.limit)
      fc.pre(new Set(flat.map(limitIdentity)).size === flat.length)
      const again = flatLimits(limitTree(flat)).map((it) => it.limit)
      const sorted = (limits: typeof flat) =>
        limits.map((it) => JSON.stringify(it, Object.keys(it).sort())).sort()
      expect(sorted(again)).toEqual(sorted(flat))
    }),
    { seed: 3 },
  )
})
