/** A span of time as people type it: `24h`, `7d`, `mtd`. */
import { wrongUsage } from './exit-codes.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/**
 * When a range begins and ends.
 * @param range `30m`, `24h`, `7d`, `4w`; `today` and `mtd` (this month so far) begin at midnight, UTC
 * @throws CommandFault when it is none of these
 */
export function spanOf(range: string, nowMs: number): { from: string; to: string } {
  const to = new Date(nowMs).toISOString()
  const day = new Map([
    ['today', to.slice(0, 10)],
    ['mtd', `${to.slice(0, 7)}-01`],
  ]).get(range)
  if (day !== undefined) return { from: `${day}T00:00:00.000Z`, to }
  const found = /^([1-9]\d{0,4})([mhdw])$/.exec(range)
  if (found === null) throw wrongUsage(`--range is such as 24h, 7d, 4w, today or mtd; not "${range}"`)
  const lengthMs = Number(found[1]) * (UNITS_MS[found[2] ?? ''] ?? 0)
  return { from: new Date(nowMs - lengthMs).toISOString(), to }
}
