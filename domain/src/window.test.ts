/** The bound a window promises: no stretch of its length ever holds more than the limit. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { slotAt, windowState, windowWaitMs } from './window.ts'

const anyArrivals = fc.array(
  fc.record({
    gapMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 30_000, noNaN: true })),
    amount: fc.oneof(fc.constant(1), fc.nat(60)),
  }),
  { maxLength: 80 },
)

test('no stretch of a window ever holds more than the limit, wherever it begins', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), anyArrivals, (limit, arrivals) => {
      const span = { limit, windowMs: 60_000 }
      const slots = new Map<number, number>()
      const admitted: { atMs: number; amount: number }[] = []
      let nowMs = 28_000_000_000.5
      for (const { gapMs, amount } of arrivals) {
        nowMs += gapMs
        if (windowWaitMs(span, amount, slots, nowMs) !== 0) continue
        const slot = slotAt(span.windowMs, nowMs)
        slots.set(slot, (slots.get(slot) ?? 0) + amount)
        admitted.push({ atMs: nowMs, amount })
      }
      for (const { atMs: fromMs } of admitted) {
        const inside = admitted.filter((it) => it.atMs >= fromMs && it.atMs <= fromMs + span.windowMs)
        expect(inside.reduce((sum, it) => sum + it.amount, 0)).toBeLessThanOrEqual(limit)
      }
    }),
  )
})

test('a refused call passes when it has waited as long as it was told, and not a slot before', () => {
  const anySlots = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.nat(40)), { maxLength: 20 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), anySlots, fc.nat(80), (limit, filled, amount) => {
      const nowMs = 28_000_000_000
      const span = { limit, windowMs: 60_000 }
      const newest = slotAt(span.windowMs, nowMs)
      const slots = new Map(filled.map(([ago, units]) => [newest - ago, units]))
      const waitMs = windowWaitMs(span, amount, slots, nowMs)
      if (waitMs === null || waitMs === 0) return
      expect(windowWaitMs(span, amount, slots, nowMs + waitMs)).toBe(0)
      expect(windowWaitMs(span, amount, slots, nowMs + waitMs - 1)).not.toBe(0)
    }),
  )
})

test('what it says remains can be taken at once, and it is whole when it says so', () => {
  const nowMs = 28_000_000_000
  const span = { limit: 10, windowMs: 60_000 }
  const newest = slotAt(span.windowMs, nowMs)
  const slots = new Map([
    [newest - 31, 9],
    [newest - 30, 2],
    [newest, 3],
  ])
  const state = windowState(span, slots, nowMs)
  expect(state.remaining).toBe(5)
  expect(windowWaitMs(span, 5, slots, nowMs)).toBe(0)
  expect(windowWaitMs(span, 6, slots, nowMs)).toBeGreaterThan(0)
  expect(windowState(span, slots, nowMs + state.resetMs)).toEqual({ remaining: 10, resetMs: 0 })
  expect(windowState(span, new Map(), nowMs)).toEqual({ remaining: 10, resetMs: 0 })
})

test('sustained use comes to thirty parts in thirty-one of the limit', () => {
  const span = { limit: 310, windowMs: 60_000 }
  const slots = new Map<number, number>()
  let admitted = 0
  for (let ms = 0; ms < 620_000; ms += 50) {
    const nowMs = 28_000_000_000 + ms
    if (windowWaitMs(span, 1, slots, nowMs) !== 0) continue
    slots.set(slotAt(span.windowMs, nowMs), (slots.get(slotAt(span.windowMs, nowMs)) ?? 0) + 1)
    admitted += 1
  }
  expect(admitted / 620).toBeCloseTo(310 / 62, 1)
})
