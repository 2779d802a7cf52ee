/**
 * A measure is one question put to a candidate: which load, and what it answers. The list is the whole bench;
 * `--only` names its groups.
 */
import { chatBody } from './bodies.ts'
import type { Started } from './candidate.ts'
import type { LoadPlan } from './load-plan.ts'

export type Group = 'json' | 'large' | 'open' | 'sse'

export type Measure = {
  readonly group: Group
  /** As the table says it. */
  readonly title: string
  /** What is counted once: the CPU figure is per this. */
  readonly unit: 'request' | 'chunk'
  readonly shape: LoadPlan['shape']
  readonly connections: number
  readonly ratePerSecond: number
  readonly body: string
}

const STREAMS = 200
const CHUNKS_PER_STREAM = 200

/** Connections an open loop may use before requests queue; far above what is in flight when all is well. */
const OPEN_CONNECTIONS = 128

/** Every measure, in the order it is taken. */
export const MEASURES: readonly Measure[] = [
  {
    group: 'json',
    title: 'JSON 1.5 KB, 64 connections, closed loop',
    unit: 'request',
    shape: 'closed',
    connections: 64,
    ratePerSecond: 0,
    body: chatBody({ bytes: 1536, stream: false }),
  },
  {
    group: 'large',
    title: 'JSON 200 KB, 32 connections, closed loop',
    unit: 'request',
    shape: 'closed',
    connections: 32,
    ratePerSecond: 0,
    body: chatBody({ bytes: 200_000, stream: false }),
  },
  openAt(100),
  openAt(1000),
  streamsAt(10_000),
  streamsAt(40_000),
]

/** The load plan of a measure for a candidate. */
export function planOf(
  measure: Measure,
  started: Started,
  run: { bodyFile: string; seconds: number; warmUpSeconds: number },
): LoadPlan {
  return {
    shape: measure.shape,
    host: started.host,
    port: started.port,
    path: measure.shape === 'streams' ? started.path.stream : started.path.json,
    headers: started.headers,
    bodyFile: run.bodyFile,
    connections: measure.connections,
    ratePerSecond: measure.ratePerSecond,
    warmUpSeconds: run.warmUpSeconds,
    seconds: run.seconds,
  }
}

function openAt(ratePerSecond: number): Measure {
  return {
    group: 'open',
    title: `JSON 1.5 KB, open loop at ${ratePerSecond}/s`,
    unit: 'request',
    shape: 'open',
    connections: OPEN_CONNECTIONS,
    ratePerSecond,
    body: chatBody({ bytes: 1536, stream: false }),
  }
}

function streamsAt(chunksPerSecond: number): Measure {
  const gapMs = (STREAMS * 1000) / chunksPerSecond
  const directives = `chunks=${CHUNKS_PER_STREAM},gap=${gapMs}`
  return {
    group: 'sse',
    title: `SSE, ${STREAMS} streams, ${chunksPerSecond / 1000} 000 chunks/s`,
    unit: 'chunk',
    shape: 'streams',
    connections: STREAMS,
    ratePerSecond: 0,
    body: chatBody({ bytes: 1536, stream: true, directives }),
  }
}
