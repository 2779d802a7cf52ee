/**
 * A load plan is one run of the loader, whole: where to, what, how hard, how long. A load result is what came
 * of it. Both cross a process boundary as one line of JSON, so this file is what loader and bench agree on.
 */
import type { Quantiles } from './histogram.ts'

/**
 * `closed`: every connection sends its next request when the last is answered (the maximum).
 * `open`: requests leave on a fixed clock whatever the answers do (latency without self-deception).
 * `streams`: every connection holds one SSE stream and begins another when it ends.
 */
export type LoadShape = 'closed' | 'open' | 'streams'

export type LoadPlan = {
  readonly shape: LoadShape
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** A file that holds the request body: a body of 200 KB does not fit a command line. */
  readonly bodyFile: string
  readonly connections: number
  /** Requests per second of an open loop; zero in the other shapes. */
  readonly ratePerSecond: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export type LoadResult = {
  /** Answers that arrived whole within the measured window, of whatever status. */
  readonly completed: number
  readonly errors: number
  readonly non2xx: number
  /** Requests whose time had come and for which no connection was free. */
  readonly queuedAtEnd: number
  readonly inFlightAtEnd: number
  /** From the intended send time (open), the send (closed) or the stream's begin to the last byte. */
  readonly latency: Quantiles
  /** From the same moment to the first byte of the body. */
  readonly firstByte: Quantiles
  /** SSE only: events that arrived within the window, and how long each was on its way. */
  readonly chunks: number
  readonly chunkTransit: Quantiles
}

/** The request as it goes out, head and body in one piece: one write, one segment train. */
export function requestBytes(plan: LoadPlan, body: Buffer): Buffer {
  const head = [
    `POST ${plan.path} HTTP/1.1`,
    `Host: ${plan.host}:${plan.port}`,
    ...Object.entries(plan.headers).map(([name, value]) => `${name}: ${value}`),
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}
