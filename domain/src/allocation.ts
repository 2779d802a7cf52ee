/**
 * An allocation shares out what reserved capacity cost over a span of time among those who used it, by their
 * tokens. Its calls cost nothing more, so this is where their money is. The shares add up to the nano.
 */
import { z } from 'zod'
import { Currency } from './price.ts'

const MS_PER_HOUR = 3_600_000n

/** Nanos as text: a month may be more than a JSON number holds. */
const Nanos = z.string().regex(/^[0-9]+$/)

export const Allocation = z.object({
  agreementId: z.string(),
  /** The part of the span asked for in which the agreement held. */
  from: z.iso.datetime({ offset: true }),
  to: z.iso.datetime({ offset: true }),
  currency: Currency,
  totalNanos: Nanos,
  /** Largest first; none when nobody used it, and then the whole total is nobody's. */
  shares: z.array(z.object({ teamId: z.string().nullable(), calls: z.int(), tokens: z.int(), nanos: Nanos })),
})
export type Allocation = z.infer<typeof Allocation>

export type CapacityUse = { readonly teamId: string | null; readonly calls: number; readonly tokens: number }

/** What so many milliseconds of reserved capacity cost, rounded up to a whole nano. */
export function reservedCost(nanosPerHour: number, ms: number): bigint {
  const exact = BigInt(nanosPerHour) * BigInt(Math.max(0, ms))
  return (exact + MS_PER_HOUR - 1n) / MS_PER_HOUR
}

/**
 * The shares of a total by tokens. Each gets its part rounded down; the nanos left over go one each to those whose
 * part was cut most (largest remainder), so that nothing is lost.
 */
export function sharesOf(totalNanos: bigint, uses: readonly CapacityUse[]): Allocation['shares'] {
  const tokens = uses.reduce((sum, it) => sum + BigInt(it.tokens), 0n)
  if (tokens === 0n) return []
  const parts = uses.map((use) => {
    const exact = totalNanos * BigInt(use.tokens)
    return { use, nanos: exact / tokens, cut: exact % tokens }
  })
  let left = totalNanos - parts.reduce((sum, it) => sum + it.nanos, 0n)
  for (const part of [...parts].sort((a, b) => (a.cut < b.cut ? 1 : a.cut > b.cut ? -1 : 0))) {
    if (left === 0n) break
    part.nanos += 1n
    left -= 1n
  }
  return parts
    .sort((a, b) => b.use.tokens - a.use.tokens || ((a.use.teamId ?? '') < (b.use.teamId ?? '') ? -1 : 1))
    .map(({ use, nanos }) => ({ ...use, nanos: String(nanos) }))
}
