/**
 * A window counts what was taken in slots of a thirtieth of its length; the slot of now and the thirty before
 * it all count in full. So no stretch of a window's length ever holds more than the limit, which is how
 * providers count. Price: sustained use ends at 30 parts in 31 of the limit. Both ledgers follow this file.
 */
import type { Pool, PoolState } from './reservation.ts'

export const WINDOW_SLOTS = 30

type Span = Pick<Pool, 'limit' | 'windowMs'>

/** Units by slot; slots that are not there hold none. */
export type Slots = ReadonlyMap<number, number>

export function slotAt(windowMs: number, nowMs: number): number {
  return Math.floor(nowMs / (windowMs / WINDOW_SLOTS))
}

/** All units that count now. */
function usedIn(slots: Slots, newest: number): number {
  let used = 0
  for (const [slot, units] of slots) if (slot >= newest - WINDOW_SLOTS) used += units
  return used
}

/**
 * How long a call must wait for this many units.
 * @returns 0 when it may pass now, null when waiting is no use
 */
export function windowWaitMs(span: Span, amount: number, slots: Slots, nowMs: number): number | null {
  if (span.limit === 0 || amount > span.limit) return null
  const newest = slotAt(span.windowMs, nowMs)
  let excess = usedIn(slots, newest) + amount - span.limit
  if (excess <= 0) return 0
  for (let slot = newest - WINDOW_SLOTS; slot <= newest; slot++) {
    excess -= slots.get(slot) ?? 0
    if (excess <= 0) return leavesAtMs(span.windowMs, slot) - nowMs
  }
  return span.windowMs
}

/** What the window still lets through, and when the last unit in it stops counting. */
export function windowState(span: Span, slots: Slots, nowMs: number): PoolState {
  const newest = slotAt(span.windowMs, nowMs)
  let last = Number.NEGATIVE_INFINITY
  for (const [slot, units] of slots) if (units > 0) last = Math.max(last, slot)
  const resetMs = last < newest - WINDOW_SLOTS ? 0 : Math.ceil(leavesAtMs(span.windowMs, last) - nowMs)
  return { remaining: Math.max(0, span.limit - usedIn(slots, newest)), resetMs }
}

/** When a slot stops counting. */
function leavesAtMs(windowMs: number, slot: number): number {
  return (slot + WINDOW_SLOTS + 1) * (windowMs / WINDOW_SLOTS)
}
