/** How a tier is put in order: by weight, by what is under way, by speed, and so that callers stay where they are. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Choice, type Chooser, hashOf, type Load, orderTier } from './choice.ts'

type Target = { deployment: { id: string }; weight: number; seed: number }

const targetOf = (id: string, weight = 1): Target => ({ deployment: { id }, weight, seed: hashOf(id) })
const idle: Load = { inFlight: 0, latencyMs: 0 }
const chooserOf = (it: Partial<Chooser>): Chooser => ({
  random: () => 0,
  loadOf: () => idle,
  stickTo: () => '',
  ...it,
})
const firstOf = (tier: readonly Target[], choice: Choice, it: Partial<Chooser>) =>
  orderTier(tier, choice, chooserOf(it))[0]!.deployment.id

const anyTier = fc
  .uniqueArray(fc.record({ id: fc.uuid(), weight: fc.integer({ min: 1, max: 1000 }) }), {
    maxLength: 12,
    selector: (it) => it.id,
  })
  .map((all) => all.map((it) => targetOf(it.id, it.weight)))
const anyRandom = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
  minLength: 12,
  maxLength: 12,
})
const anyChoice = fc.constantFrom<Choice>('weighted', 'least_busy', 'fastest', 'sticky')
const anyLoads = fc.array(fc.record({ inFlight: fc.nat(9), latencyMs: fc.nat(9000) }), {
  minLength: 12,
  maxLength: 12,
})

test('every target stands in the order exactly once, whatever the choice, chance and loads', () => {
  fc.assert(
    fc.property(anyTier, anyChoice, anyRandom, anyLoads, (tier, choice, numbers, loads) => {
      let at = 0
      const loadOf = (id: string) => loads[tier.findIndex((it) => it.deployment.id === id)] ?? idle
      const ordered = orderTier(tier, choice, chooserOf({ random: () => numbers[at++] ?? 0, loadOf }))
      expect(ordered).toHaveLength(tier.length)
      expect(new Set(ordered)).toEqual(new Set(tier))
    }),
  )
})

describe('weighted', () => {
  test('the first place is shared in the proportion of the weights', () => {
    const tier = [targetOf('a', 1), targetOf('b', 3), targetOf('c', 6)]
    const firsts = new Map<string, number>()
    const steps = 10_000
    for (let i = 0; i < steps; i++) {
      const first = firstOf(tier, 'weighted', { random: () => (i + 0.5) / steps })
      firsts.set(first, (firsts.get(first) ?? 0) + 1)
    }
    expect(Object.fromEntries(firsts)).toEqual({ a: 1_000, b: 3_000, c: 6_000 })
  })
})

describe('least busy', () => {
  test('nothing with less under way stands behind what has more', () => {
    fc.assert(
      fc.property(anyTier, anyRandom, anyLoads, (tier, numbers, loads) => {
        let at = 0
        const loadOf = (id: string) => loads[tier.findIndex((it) => it.deployment.id === id)] ?? idle
        const ordered = orderTier(tier, 'least_busy', chooserOf({ random: () => numbers[at++] ?? 0, loadOf }))
        const busy = ordered.map((it) => loadOf(it.deployment.id).inFlight)
        expect(busy).toEqual(busy.toSorted((a, b) => a - b))
      }),
    )
  })

  test('where as much is under way, the weights decide', () => {
    const tier = [targetOf('a', 1), targetOf('b', 3)]
    const firsts = Array.from({ length: 400 }, (_, i) =>
      firstOf(tier, 'least_busy', { random: () => (i + 0.5) / 400 }),
    )
    expect(firsts.filter((it) => it === 'b')).toHaveLength(300)
  })
})

describe('fastest', () => {
  const loadsOf = (loads: Record<string, Load>) => (id: string) => loads[id] ?? idle

  test('of two, the one that will answer sooner is first, what waits there already counted', () => {
    const tier = [targetOf('slow'), targetOf('fast')]
    for (const random of [() => 0, () => 0.99]) {
      const slow = { inFlight: 0, latencyMs: 900 }
      expect(
        firstOf(tier, 'fastest', {
          random,
          loadOf: loadsOf({ slow, fast: { inFlight: 0, latencyMs: 100 } }),
        }),
      ).toBe('fast')
      expect(
        firstOf(tier, 'fastest', {
          random,
          loadOf: loadsOf({ slow, fast: { inFlight: 9, latencyMs: 100 } }),
        }),
      ).toBe('slow')
    }
  })

  test('the slowest of a tier is never first', () => {
    fc.assert(
      fc.property(anyTier, anyRandom, (tier, numbers) => {
        fc.pre(tier.length >= 2)
        let at = 0
        const slowest = tier[0]!.deployment.id
        const loadOf = (id: string) => ({ inFlight: 0, latencyMs: id === slowest ? 500 : 100 })
        expect(firstOf(tier, 'fastest', { random: () => numbers[at++] ?? 0, loadOf })).not.toBe(slowest)
      }),
    )
  })

  test('what nobody has timed is tried once, and not by a crowd', () => {
    const tier = [targetOf('known'), targetOf('new')]
    const known = { inFlight: 0, latencyMs: 800 }
    expect(firstOf(tier, 'fastest', { loadOf: loadsOf({ known }) })).toBe('new')
    const loadOf = loadsOf({ known, new: { inFlight: 1, latencyMs: 0 } })
    expect(firstOf(tier, 'fastest', { loadOf })).toBe('known')
  })
})

describe('sticky', () => {
  const keys = Array.from({ length: 20_000 }, (_, i) => `conversation-${i}`)
  const placeOf = (tier: readonly Target[]) => (key: string) =>
    firstOf(tier, 'sticky', { stickTo: () => key })

  test('the same key meets the same deployment, in whatever order the tier is written', () => {
    fc.assert(
      fc.property(anyTier, fc.string(), (tier, key) => {
        fc.pre(tier.length > 0)
        const random = () => Math.random()
        const one = orderTier(tier, 'sticky', chooserOf({ random, stickTo: () => key }))
        const other = orderTier(tier.toReversed(), 'sticky', chooserOf({ random, stickTo: () => key }))
        expect(one).toEqual(other)
      }),
    )
  })

  test('taking one away moves its own keys and no others, each to the one that stood second for it', () => {
    fc.assert(
      fc.property(anyTier, fc.string(), fc.nat(), (tier, key, at) => {
        fc.pre(tier.length > 1)
        const gone = tier[at % tier.length]!
        const chooser = chooserOf({ stickTo: () => key })
        const left = tier.filter((it) => it !== gone)
        const expected = orderTier(tier, 'sticky', chooser).filter((it) => it !== gone)
        expect(orderTier(left, 'sticky', chooser)).toEqual(expected)
      }),
    )
  })

  test('keys are shared in the proportion of the weights', () => {
    const tier = [targetOf('dep_a', 1), targetOf('dep_b', 3), targetOf('dep_c', 6)]
    const places = keys.map(placeOf(tier))
    const share = (id: string) => places.filter((it) => it === id).length / keys.length
    expect(share('dep_a')).toBeCloseTo(0.1, 1)
    expect(share('dep_b')).toBeCloseTo(0.3, 1)
    expect(share('dep_c')).toBeCloseTo(0.6, 1)
  })

  test('a weight that grows takes keys from others and gives none away', () => {
    const before = [targetOf('dep_a', 2), targetOf('dep_b', 2), targetOf('dep_c', 2)]
    const after = [targetOf('dep_a', 2), targetOf('dep_b', 4), targetOf('dep_c', 2)]
    for (const key of keys.slice(0, 2_000)) {
      const [was, is] = [placeOf(before)(key), placeOf(after)(key)]
      if (was !== is) expect(is).toBe('dep_b')
    }
  })
})
