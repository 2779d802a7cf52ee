/**
 * Stream load: a fixed number of SSE streams at once, each begun again when it ends. Begins are spread over the
 * warm-up so that events arrive evenly and not in one volley per gap.
 */
import { LoadConnection } from './load-connection.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import type { Running } from './load-tally.ts'
import { readStamps } from './stamps.ts'

const RAMP_SHARE = 0.8
const RAMP_SECONDS_MIN = 0.1

/** Runs the plan to its end. */
export async function runStreams(plan: LoadPlan, run: Running): Promise<LoadResult> {
  const connections: LoadConnection[] = []
  const rampMs = Math.max(RAMP_SECONDS_MIN, plan.warmUpSeconds * RAMP_SHARE) * 1000
  const timers: NodeJS.Timeout[] = []
  for (let i = 0; i < plan.connections; i++) {
    const { connection, begin } = openStream(plan, run)
    connections.push(connection)
    timers.push(setTimeout(begin, (rampMs * i) / plan.connections))
  }
  await run.untilEnd()
  for (const timer of timers) clearTimeout(timer)
  const inFlight = connections.filter((connection) => connection.busy).length
  for (const connection of connections) connection.close()
  return run.tally.result({ queued: 0, inFlight })
}

function openStream(plan: LoadPlan, { request, buffer, now, tally }: Running) {
  let begunNanos = 0
  let readNanos = 0
  const readChunk = readStamps((stampNanos) => tally.chunk(stampNanos, readNanos))
  const connection = new LoadConnection(
    { host: plan.host, port: plan.port, buffer },
    {
      onFirstByte: () => tally.firstByte(begunNanos, now()),
      onBody: (bytes, start, end) => {
        readNanos = now()
        readChunk(bytes, start, end)
      },
      onReply: (status) => {
        const nowNanos = now()
        tally.reply(status, begunNanos, nowNanos)
        if (nowNanos < tally.window.untilNanos) begin()
      },
    },
  )
  const begin = () => {
    begunNanos = now()
    connection.send(request)
  }
  return { connection, begin }
}
