/** One line per run while the bench goes on, so that a person can see early what the tables will say. */
import { costUs, countOf, type Taken } from './rounds.ts'

/** What a run gave, in one line. */
export function progressLine(taken: Taken): string {
  const { measure, candidate, outcome, round, discarded } = taken
  const again = discarded.length === 0 ? '' : ` [discarded: ${discarded.join('; ')}]`
  const begin = `round ${round + 1}  ${measure.title}  ${candidate}: `
  if (outcome === null) return `${begin}no undisturbed run${again}`
  const { load } = outcome
  const cost = costUs(measure, outcome)
  const parts = [
    `${(countOf(measure, outcome) / outcome.seconds).toFixed(0)} ${measure.unit}s/s`,
    ...(cost === null
      ? []
      : [`${cost.toFixed(1)} us CPU each, core 0 ${(outcome.use.gatewayShare * 100).toFixed(0)} %`]),
    ...(measure.shape === 'open' ? [`p50 ${(load.latency.p50Us / 1000).toFixed(2)} ms`] : []),
    ...(measure.shape === 'streams' ? [`transit p50 ${(load.chunkTransit.p50Us / 1000).toFixed(2)} ms`] : []),
    ...(load.errors + load.non2xx + load.queuedAtEnd === 0
      ? []
      : [`VOID: ${load.errors} errors, ${load.non2xx} non-2xx, ${load.queuedAtEnd} queued`]),
  ]
  return begin + parts.join(', ') + again
}
