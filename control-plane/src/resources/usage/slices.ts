/**
 * Cuts a span into slices of rollups: whole days from the table of days, what is left at the edges from hours and
 * minutes. So a year is as quick to sum as its 365 days, and still exact to the minute. Where midnight is not that
 * of UTC, whole days are summed all the same, and the hours between the two midnights change sides.
 */
import { type RollupLevel, rollupMs } from '@headgate/domain/rollup'

/** Since when each level is whole; minus infinity when nothing was dropped. */
export type KeptSince = Readonly<Record<RollupLevel, number>>

/** From an instant, included, to another, not included. */
export type Range = readonly [fromMs: number, toMs: number]
export type Slices = Readonly<Record<RollupLevel, readonly Range[]>>

/** Rows that are added to a stretch, or taken from it. */
export type Share = {
  readonly level: 'hour' | 'minute'
  readonly range: Range
  /** From 1. */
  readonly stretch: number
  readonly sign: 1 | -1
}

/** A span and its stretches. */
export type SpanPlan = {
  /** Where the stretches begin, and where the last one ends. */
  readonly bounds: readonly number[]
  /** The same as `slices` have it. */
  readonly sliceBounds: readonly number[]
  readonly slices: Slices
  /** What is to be moved after the slices were summed. */
  readonly shares: readonly Share[]
}

/** How to sum the stretches between these bounds. @param bounds aligned instants in order, the end of the last one included */
export function spanPlan(bounds: readonly number[]): SpanPlan {
  const lengthMs = (bounds.at(-1) as number) - (bounds[0] as number)
  // Days, weeks and months, of which the first and the last may be cut short.
  if (lengthMs / (bounds.length - 1) < rollupMs.day / 2)
    return { bounds, sliceBounds: bounds, slices: slicesOf(bounds), shares: [] }
  const midnights = bounds.map((it) => Math.round(it / rollupMs.day) * rollupMs.day)
  const whole: Range = [midnights[0] as number, midnights.at(-1) as number]
  return {
    ...{ bounds, sliceBounds: midnights },
    slices: { day: whole[0] < whole[1] ? [whole] : [], hour: [], minute: [] },
    shares: bounds.flatMap((bound, i) => sharesAt(i, [bound, midnights[i] as number], bounds.length - 1)),
  }
}

/** What changes sides at the bound before stretch `i` + 1: it lies between the bound and its midnight. */
function sharesAt(i: number, [bound, midnight]: readonly [number, number], count: number): Share[] {
  const [first, last] = bound < midnight ? [bound, midnight] : [midnight, bound]
  const slices: Record<RollupLevel, Range[]> = { day: [], hour: [], minute: [] }
  cut(slices, 'hour', [first, last])
  const sign = bound < midnight ? 1 : -1
  const sides = [
    ...(i < count ? [{ stretch: i + 1, sign } as const] : []),
    ...(i > 0 ? [{ stretch: i, sign: -sign as 1 | -1 }] : []),
  ]
  return sides.flatMap((side) =>
    (['hour', 'minute'] as const).flatMap((level) =>
      slices[level].map((range) => ({ level, range, ...side })),
    ),
  )
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
