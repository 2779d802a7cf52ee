/**
 * Cuts a span into slices of rollups: whole days from the table of days, what is left at the edges from hours and
 * minutes. So a year is as quick to sum as its 365 days, and still exact to the minute.
 */
import { type RollupLevel, rollupMs } from '@headgate/domain/rollup'

/** Since when each level is whole; minus infinity when nothing was dropped. */
export type KeptSince = Readonly<Record<RollupLevel, number>>

/** From an instant, included, to another, not included. */
export type Range = readonly [fromMs: number, toMs: number]
export type Slices = Readonly<Record<RollupLevel, readonly Range[]>>

/** A span and its stretches. */
export type SpanPlan = {
  /** Where the stretches begin, and where the last one ends. */
  readonly bounds: readonly number[]
  readonly slices: Slices
}

/** The latest instant, not after the one given, that rollups can tell apart. */
export function alignDown(instantMs: number, kept: KeptSince): number {
  const level = instantMs >= kept.minute ? 'minute' : instantMs >= kept.hour ? 'hour' : 'day'
  return floorTo(level, instantMs)
}

/** The earliest instant, not before the one given, that rollups can tell apart. */
export function alignUp(instantMs: number, kept: KeptSince): number {
  const floor = alignDown(instantMs, kept)
  if (floor === instantMs) return instantMs
  const level = instantMs >= kept.minute ? 'minute' : instantMs >= kept.hour ? 'hour' : 'day'
  return floor + rollupMs[level]
}

/**
 * The slices that hold each stretch between two bounds without overlap; neighbours are joined.
 * @param bounds aligned instants in order, the end of the last stretch included
 */
export function slicesOf(bounds: readonly number[]): Slices {
  const slices: Record<RollupLevel, Range[]> = { day: [], hour: [], minute: [] }
  for (let i = 1; i < bounds.length; i++) cut(slices, 'day', [bounds[i - 1] as number, bounds[i] as number])
  return slices
}

const finer = { day: 'hour', hour: 'minute', minute: null } as const

function cut(slices: Record<RollupLevel, Range[]>, level: RollupLevel, [fromMs, toMs]: Range): void {
  if (fromMs >= toMs) return
  const next = finer[level]
  const first = next === null ? fromMs : ceilTo(level, fromMs)
  const last = next === null ? toMs : floorTo(level, toMs)
  if (first >= last) {
    if (next !== null) cut(slices, next, [fromMs, toMs])
    return
  }
  if (next !== null) cut(slices, next, [fromMs, first])
  const before = slices[level].at(-1)
  if (before?.[1] === first) slices[level].splice(-1, 1, [before[0], last])
  else slices[level].push([first, last])
  if (next !== null) cut(slices, next, [last, toMs])
}

function floorTo(level: RollupLevel, instantMs: number): number {
  return Math.floor(instantMs / rollupMs[level]) * rollupMs[level]
}

function ceilTo(level: RollupLevel, instantMs: number): number {
  return Math.ceil(instantMs / rollupMs[level]) * rollupMs[level]
}
