/**
 * A round takes every measure through every candidate once, in an order that turns from round to round, so that
 * what changes slowly (clock speed, heat, other tenants) falls on all of them alike. Figures are compared within
 * a round, and only then put together over rounds.
 */
import type { Measure } from './measures.ts'
import type { Outcome } from './run-once.ts'

/** One run to take: a measure through a candidate; `pairedWith` names whose direct counterpart it is. */
export type Turn = {
  readonly measure: Measure
  readonly candidate: string
  readonly pairedWith: string | null
}

/** A turn that was taken. `outcome` is null when every attempt was disturbed. */
export type Taken = Turn & {
  readonly round: number
  readonly outcome: Outcome | null
  /** Why earlier attempts were discarded. */
  readonly discarded: readonly string[]
}

/** How often a disturbed run is taken in all before its place stays empty. */
export const ATTEMPTS_MAX = 3

/**
 * The runs of one round, in order. In an open loop each candidate has a direct run of its own right beside it,
 * before it in one round and after it in the next; elsewhere candidates turn.
 */
export function turnsOf(round: number, measures: readonly Measure[], candidates: readonly string[]): Turn[] {
  return measures.flatMap((measure) => {
    const order = turned(candidates, round)
    if (measure.shape !== 'open') return order.map((candidate) => ({ measure, candidate, pairedWith: null }))
    const through = order.filter((name) => name !== 'direct')
    if (!candidates.includes('direct') || through.length === 0) {
      return order.map((candidate) => ({ measure, candidate, pairedWith: null }))
    }
    return through.flatMap((candidate) => {
      const pair: Turn[] = [
        { measure, candidate: 'direct', pairedWith: candidate },
        { measure, candidate, pairedWith: null },
      ]
      return round % 2 === 0 ? pair : pair.toReversed()
    })
  })
}

/** Takes a turn until it is undisturbed or has been tried often enough. `rest` is waited for in between. */
export async function take(
  turn: Turn,
  round: number,
  attempt: { run: () => Promise<Outcome>; rest: () => Promise<void> },
): Promise<Taken> {
  const discarded: string[] = []
  while (discarded.length < ATTEMPTS_MAX) {
    if (discarded.length > 0) await attempt.rest()
    const outcome = await attempt.run()
    if (outcome.disturbed === null) return { ...turn, round, outcome, discarded }
    discarded.push(outcome.disturbed)
  }
  return { ...turn, round, outcome: null, discarded }
}

/** What went wrong on the wire in these runs, summed; anything but zeros makes their row void. */
export function faultsOf(runs: readonly Taken[]) {
  let errors = 0
  let non2xx = 0
  let queued = 0
  let empty = 0
  for (const { outcome, measure } of runs) {
    if (outcome === null) continue
    errors += outcome.load.errors
    non2xx += outcome.load.non2xx
    queued += outcome.load.queuedAtEnd
    if (countOf(measure, outcome) === 0) empty++
  }
  return { errors, non2xx, queued, empty, void: errors + non2xx + queued + empty > 0 }
}

/** How many of a measure's units a run completed. */
export function countOf(measure: Measure, outcome: Outcome): number {
  return measure.unit === 'chunk' ? outcome.load.chunks : outcome.load.completed
}

/** CPU microseconds of the gateway's processes per unit; null for a run without a gateway or without units. */
export function costUs(measure: Measure, outcome: Outcome): number | null {
  const count = countOf(measure, outcome)
  if (count === 0 || outcome.use.gatewayShare === 0) return null
  return (outcome.use.gatewaySeconds * 1e6) / count
}

/**
 * A figure of one candidate over another's, round by round; rounds where either is missing are left out.
 * @param figure gives null where a run has none
 */
export function perRound(
  runs: readonly Taken[],
  others: readonly Taken[],
  figure: (outcome: Outcome, other: Outcome) => number | null,
): number[] {
  const figures: number[] = []
  for (const { round, outcome } of runs) {
    const other = others.find((it) => it.round === round)?.outcome
    if (outcome === null || other === null || other === undefined) continue
    const value = figure(outcome, other)
    if (value !== null) figures.push(value)
  }
  return figures
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

function turned<T>(things: readonly T[], by: number): T[] {
  const at = things.length === 0 ? 0 : by % things.length
  return [...things.slice(at), ...things.slice(0, at)]
}
