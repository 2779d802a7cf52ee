/**
 * Closed-loop load: a fixed number of connections, each sending again as soon as it is answered. It finds the
 * most a gateway can do and what a request costs there; its latencies say little, since a slow gateway is asked
 * less.
 */
import { LoadConnection } from './load-connection.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import type { Running } from './load-tally.ts'

/** Runs the plan to its end. */
export function runClosed(plan: LoadPlan, run: Running): Promise<LoadResult> {
  const { request, buffer, now, tally } = run
  const connections: LoadConnection[] = []
  for (let i = 0; i < plan.connections; i++) {
    let sentNanos = 0
    const connection = new LoadConnection(
      { host: plan.host, port: plan.port, buffer },
      {
        onFirstByte: () => undefined,
        onBody: () => undefined,
        onReply: (status) => {
          const nowNanos = now()
          tally.reply(status, sentNanos, nowNanos)
          if (nowNanos < tally.window.untilNanos) sendNext(nowNanos)
        },
      },
    )
    const sendNext = (nowNanos: number) => {
      sentNanos = nowNanos
      connection.send(request)
    }
    connections.push(connection)
    sendNext(now())
  }
  return run.untilEnd().then(() => {
    const inFlight = connections.filter((connection) => connection.busy).length
    for (const connection of connections) connection.close()
    return tally.result({ queued: 0, inFlight })
  })
}
