/**
 * One run: one measure through one candidate, with what it used and what disturbed it. The smallest thing the
 * bench believes or throws away.
 */
import type { Started } from './candidate.ts'
import type { LoadResult } from './load-plan.ts'
import type { LoadTools } from './load-tools.ts'
import { type Measure, planOf } from './measures.ts'
import { disturbance, takeSample, type Use, useBetween } from './neighbours.ts'

export type Outcome = {
  readonly load: LoadResult
  readonly use: Use
  readonly seconds: number
  /** Why this run may not be believed because of others; null when it may. */
  readonly disturbed: string | null
}

export type RunSettings = {
  readonly tools: LoadTools
  readonly bodyFile: string
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly ticksPerSecond: number
  /** Ends the run early. */
  readonly signal: AbortSignal
}

/**
 * Runs a measure once.
 * @throws Error when the loader ends early or the signal is given
 */
export async function runOnce(measure: Measure, started: Started, settings: RunSettings): Promise<Outcome> {
  settings.signal.throwIfAborted()
  const run = await settings.tools.startRun(planOf(measure, started, settings))
  const stop = () => void run.stop()
  settings.signal.addEventListener('abort', stop)
  try {
    // Both promises are waited for together, so that a loader that dies is never an unheard rejection.
    const [before, load] = await Promise.all([run.measuring.then(takeSample), run.result])
    const use = useBetween(before, takeSample(), {
      gateway: started.pid,
      bench: process.pid,
      ticksPerSecond: settings.ticksPerSecond,
    })
    return { load, use, seconds: settings.seconds, disturbed: disturbance(use, started.pid !== null) }
  } finally {
    settings.signal.removeEventListener('abort', stop)
    await run.stop()
  }
}
