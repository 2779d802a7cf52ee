/**
 * What a prebuilt `probe` is told and what it says: its flags from a load plan, a load result from its one line
 * of JSON.
 */
import type { Quantiles } from './histogram.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'

type ProbeQuantiles = Record<'n' | 'mean' | 'p50' | 'p90' | 'p95' | 'p99' | 'p999' | 'max', number>

type ProbeLine = {
  done: number
  errors: number
  non2xx: number
  queued_at_end: number
  in_flight_at_end: number
  chunks?: number
  lat_us?: ProbeQuantiles
  stream_us?: ProbeQuantiles
  ttfb_us?: ProbeQuantiles
  chunk_us?: ProbeQuantiles
}

const NOTHING: ProbeQuantiles = { n: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, p999: 0, max: 0 }

/** Seconds as the probe counts them: whole, and at least one. */
export function probeSeconds(seconds: number): number {
  return Math.max(1, Math.round(seconds))
}

/** The command line for a plan. */
export function probeArguments(plan: LoadPlan): string[] {
  const wholeSeconds = (seconds: number) => String(probeSeconds(seconds))
  return [
    ...['-a', `${plan.host}:${plan.port}`, '-p', plan.path, '-f', plan.bodyFile],
    ...[
      '-c',
      String(plan.connections),
      '-d',
      wholeSeconds(plan.seconds),
      '-w',
      wholeSeconds(plan.warmUpSeconds),
    ],
    ...(plan.shape === 'open' ? ['-r', String(plan.ratePerSecond)] : []),
    ...(plan.shape === 'streams' ? ['-s'] : []),
    ...Object.entries(plan.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
  ]
}

/**
 * Reads the probe's line.
 * @throws Error when it is not one
 */
export function resultOfProbe(line: string): LoadResult {
  const said = JSON.parse(line) as ProbeLine
  if (typeof said.done !== 'number') throw new Error(`the probe said something else: ${line.slice(0, 200)}`)
  return {
    // The probe counts a broken connection among the finished requests.
    completed: said.done - said.errors,
    errors: said.errors,
    non2xx: said.non2xx,
    queuedAtEnd: said.queued_at_end,
    inFlightAtEnd: said.in_flight_at_end,
    latency: quantilesOf(said.lat_us ?? said.stream_us ?? NOTHING),
    firstByte: quantilesOf(said.ttfb_us ?? NOTHING),
    chunks: said.chunks ?? 0,
    chunkTransit: quantilesOf(said.chunk_us ?? NOTHING),
  }
}

function quantilesOf(it: ProbeQuantiles): Quantiles {
  return {
    count: it.n,
    meanUs: it.mean,
    p50Us: it.p50,
    p90Us: it.p90,
    p95Us: it.p95,
    p99Us: it.p99,
    p999Us: it.p999,
    maxUs: it.max,
  }
}
