/** Runs made up for tests: what a run gave is stated, all the rest is as in a run without faults. */
import { openHistogram } from './histogram.ts'
import { MEASURES, type Measure } from './measures.ts'
import type { Taken } from './rounds.ts'
import type { Outcome } from './run-once.ts'

const nothing = openHistogram().quantiles()

/** A measure of the list by the beginning of its title. */
export function measureNamed(begin: string): Measure {
  const measure = MEASURES.find((it) => it.title.startsWith(begin))
  if (measure === undefined) throw new Error(`no measure begins with ${begin}`)
  return measure
}

type Given = {
  readonly gatewaySeconds?: number
  readonly gatewayShare?: number
  readonly load?: Partial<Outcome['load']>
  readonly disturbed?: string
}

/** What a run of one second gave: 1000 requests and 2000 chunks unless said otherwise. */
export function outcomeOf(given: Given): Outcome {
  return {
    seconds: 1,
    disturbed: given.disturbed ?? null,
    use: {
      gatewaySeconds: given.gatewaySeconds ?? 0,
      gatewayShare: given.gatewayShare ?? 0.99,
      loadShare: 0.5,
      neighbourShare: { gatewayCore: 0, loadCore: 0 },
    },
    load: {
      completed: 1000,
      errors: 0,
      non2xx: 0,
      queuedAtEnd: 0,
      inFlightAtEnd: 0,
      latency: nothing,
      firstByte: nothing,
      chunks: 2000,
      chunkTransit: nothing,
      ...given.load,
    },
  }
}

/** Latencies of which these are the quantiles, microseconds. */
export function latencyOf(p50Us: number, p95Us: number, p99Us: number): Outcome['load']['latency'] {
  return { ...nothing, count: 1000, p50Us, p95Us, p99Us }
}

/** A turn as it was taken. */
export function takenOf(
  it: Pick<Taken, 'measure' | 'candidate' | 'round' | 'outcome'> & { pairedWith?: string },
): Taken {
  return { pairedWith: null, discarded: [], ...it }
}
