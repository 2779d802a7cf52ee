/** Differences of catalogs are all there are and no others; warnings name what is seldom meant. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'
import type { CatalogDocument } from './catalog.ts'
import { catalogDifferences } from './catalog-difference.ts'
import { catalogWarnings } from './catalog-warning.ts'

const empty = {
  ...{
    format: 1,
    version: 1,
    compiledAt: '2026-01-01T00:00:00Z',
    teams: [],
    apps: [],
    resources: [],
    quotas: [],
  },
  ...{
    deployments: [],
    modelEntries: [],
    aliases: [],
    routes: [],
    policies: [],
    prices: [],
    agreements: [],
    limits: [],
  },
} as const
const withParts = (parts: object) => ({ ...structuredClone(empty), ...parts }) as unknown as CatalogDocument

const things = fc.uniqueArray(
  fc.record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    name: fc.constantFrom('x', 'y'),
    size: fc.nat(2),
  }),
  { selector: (it) => it.id },
)

test('applying the differences to the one catalog gives the other, and there are none between equal ones', () => {
  fc.assert(
    fc.property(things, things, (before, after) => {
      const found = catalogDifferences(withParts({ aliases: before }), withParts({ aliases: after }))
      const rebuilt = new Map<string, object>(before.map((it) => [it.id, it]))
      for (const it of found) {
        if (it.change === 'removed') rebuilt.delete(it.id)
        else rebuilt.set(it.id, { ...rebuilt.get(it.id), ...(it.after as object) })
      }
      const sorted = (list: Iterable<object>) => [...list].map(canonicalJson).sort()
      expect(sorted(rebuilt.values())).toEqual(sorted(after))
      const unchanged = after.filter((it) => before.some((old) => canonicalJson(old) === canonicalJson(it)))
      expect(found.filter((it) => unchanged.some((one) => one.id === it.id))).toEqual([])
    }),
  )
})

test('an override that has ended is no difference, one that was given or taken back is', () => {
  const override = { id: 'bov_1', amountNanos: 5, effectiveFrom: '2026-01-01T00:00:00Z' }
  const ended = { ...override, effectiveTo: '2026-02-01T00:00:00Z' }
  const lasting = { ...override, effectiveTo: '2026-04-01T00:00:00Z' }
  const document = (compiledAt: string, budget: object) => ({
    ...withParts({ budgets: [{ id: 'bud_1', name: 'Month', ...budget }] }),
    compiledAt,
  })
  const [january, march] = ['2026-01-15T00:00:00Z', '2026-03-01T00:00:00Z']
  const found = (before: object, after: object) =>
    catalogDifferences(document(january, before), document(march, after)).map((it) => it.before)
  expect(found({ overrides: [ended] }, { overrides: [] })).toEqual([])
  expect(found({}, { overrides: [] })).toEqual([])
  expect(found({ overrides: [ended, lasting] }, { overrides: [lasting] })).toEqual([])
  expect(found({ overrides: [lasting] }, { overrides: [] })).toEqual([{ overrides: [lasting] }])
  expect(found({}, { overrides: [lasting] })).toEqual([{ overrides: [] }])
  // The later of the two decides, in whichever order they are compared.
  expect(
    catalogDifferences(document(march, { overrides: [] }), document(january, { overrides: [ended] })),
  ).toEqual([])
})

test('the order of keys is no difference', () => {
  const [one, other] = [
    { id: 'a', tiers: [{ x: 1, y: 2 }] },
    { tiers: [{ y: 2, x: 1 }], id: 'a' },
  ]
  expect(catalogDifferences(withParts({ routes: [one] }), withParts({ routes: [other] }))).toEqual([])
})

test('a name without a route, a deployment without a price or a route, and an allowed name that is denied are warned of', () => {
  const lists = { deniedModels: null, allowedEndpoints: null, allowedResources: null }
  const document = withParts({
    aliases: [
      { id: 'ali_1', name: 'lost' },
      { id: 'ali_2', name: 'found' },
    ],
    deployments: [
      { id: 'dep_1', name: 'idle', pricedAs: 'm', resourceId: 'res_1' },
      { id: 'dep_2', name: 'unpriced', pricedAs: 'm', resourceId: 'res_1' },
      { id: 'dep_3', name: 'priced', pricedAs: 'p', resourceId: 'res_1' },
    ],
    routes: [
      {
        id: 'rte_1',
        aliasId: 'ali_2',
        rules: [],
        tiers: [[{ deploymentId: 'dep_2' }, { deploymentId: 'dep_3' }]],
      },
    ],
    resources: [{ id: 'res_1', apiStyle: 'openai' }],
    prices: [priceOf('p', '2026-01-01T00:00:00Z', null)],
    policies: [
      {
        id: 'pol_1',
        name: 'mine',
        ownerId: 'team_1',
        mode: 'enforce',
        ...lists,
        allowedModels: ['found', 'lost'],
      },
      { id: 'pol_2', name: 'ours', ownerId: null, mode: 'enforce', ...lists, deniedModels: ['found'] },
      { id: 'pol_3', name: 'shadow', ownerId: null, mode: 'shadow', ...lists, deniedModels: ['lost'] },
    ],
  })
  expect(catalogWarnings(document).map((it) => [it.kind, it.id])).toEqual([
    ['deployment', 'dep_1'],
    ['price', 'dep_2'],
    ['alias', 'ali_1'],
    ['policy', 'pol_1'],
  ])
})

test.each([
  ['is there', [['2026-01-01', null]], null],
  ['begins later', [['2026-12-01', null]], 'has no price for "m" until 2026-12-01'],
  ['has ended', [['2026-01-01', '2026-10-01']], 'has no price for "m": its calls'],
  ['ends', [['2026-01-01', '2026-12-01']], 'ends at 2026-12-01T00:00:00.000Z and none follows'],
  [
    'ends and is followed',
    [
      ['2026-01-01', '2026-12-01'],
      ['2026-12-01', null],
    ],
    null,
  ],
] as const)('where a price %s, that is what is said of it', (_, spans, said) => {
  const document = withParts({
    compiledAt: '2026-11-01T00:00:00Z',
    resources: [{ id: 'res_1', apiStyle: 'openai' }],
    deployments: [{ id: 'dep_1', name: 'd', pricedAs: 'm', resourceId: 'res_1' }],
    aliases: [{ id: 'ali_1', name: 'a' }],
    routes: [{ id: 'rte_1', aliasId: 'ali_1', rules: [], tiers: [[{ deploymentId: 'dep_1' }]] }],
    prices: spans.map(([from, to]) => priceOf('m', from, to)),
  })
  const messages = catalogWarnings(document).map((it) => it.message)
  expect(messages).toEqual(said === null ? [] : [expect.stringContaining(said)])
})

function priceOf(model: string, effectiveFrom: string, effectiveTo: string | null) {
  return {
    id: `pri_${effectiveFrom}`,
    model,
    provider: null,
    isFree: true,
    lines: [],
    effectiveFrom,
    effectiveTo,
  }
}
