/**
 * A rollup is usage summed over a minute, an hour or a day (UTC), by what the calls have in common. Latencies
 * are counted in bins whose bounds grow by the fourth root of two: bins of rollups can be added, percentiles
 * cannot, and one read from the bins is off by a tenth at most.
 */
import { z } from 'zod'

export const RollupLevel = z.enum(['minute', 'hour', 'day'])
export type RollupLevel = z.infer<typeof RollupLevel>

const MINUTE_MS = 60_000

/** How long each level's stretch of time is. */
export const rollupMs: Readonly<Record<RollupLevel, number>> = Object.freeze({
  minute: MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
})

/** What calls are told apart by. */
export const UsageDimension = z.enum([
  'team',
  'app',
  'user',
  'key',
  'endpoint',
  'alias',
  'model',
  'deployment',
  'resource',
  'status',
  'outcome',
  'error_code',
  'client_tag',
])
export type UsageDimension = z.infer<typeof UsageDimension>

const BINS_PER_DOUBLING = 4

/** The bin that counts a value: bin 0 holds 0 and 1, bin n all above 2^((n-1)/4) up to 2^(n/4). */
export function binOf(value: number): number {
  return value <= 1 ? 0 : Math.ceil(Math.log2(value) * BINS_PER_DOUBLING)
}

/** The largest value of a bin. */
function ceilingOf(bin: number): number {
  return 2 ** (bin / BINS_PER_DOUBLING)
}

/** How many values each bin holds, by bin. */
export type Bins = ReadonlyMap<number, number>

/**
 * The values below which shares of all values lie, found by the nearest rank and placed within their bins as if a
 * bin were filled evenly.
 * @param shares from 0 to 1, the smallest first
 * @returns as many values as shares; null when the bins are empty
 */
export function quantilesOf(bins: Bins, shares: readonly number[]): number[] | null {
  const inOrder = [...bins].sort(([a], [b]) => a - b)
  const total = inOrder.reduce((sum, [, count]) => sum + count, 0)
  if (total === 0) return null
  let [at, passed] = [0, 0]
  return shares.map((share) => {
    const rank = Math.max(1, Math.ceil(total * share))
    while (passed + (inOrder[at]?.[1] ?? rank) < rank) passed += inOrder[at++]?.[1] ?? 0
    const [bin, count] = inOrder[at] as [number, number]
    const floor = bin === 0 ? 0 : ceilingOf(bin - 1)
    return floor + ((ceilingOf(bin) - floor) * (rank - passed)) / count
  })
}
