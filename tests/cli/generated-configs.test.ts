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
import { configOf, configPlan } from './random-config.ts'

const stop = new AbortController().signal
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
    fc.asyncProperty(configPlan, async (it) => {
      const text = configOf(it)
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
