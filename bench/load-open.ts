/**
 * Open-loop load: requests leave on a fixed clock, and latency counts from the moment a request should have
 * left. When a gateway stalls, the requests that would have come in the meantime are counted as slow, as their
 * senders would count them.
 */
import { LoadConnection } from './load-connection.ts'
import type { LoadPlan, LoadResult } from './load-plan.ts'
import type { Running } from './load-tally.ts'
import { openSendClock } from './send-clock.ts'

type Sender = { connection: LoadConnection; dueNanos: number }

/** Runs the plan to its end. */
export async function runOpen(plan: LoadPlan, run: Running): Promise<LoadResult> {
  const { now, tally } = run
  const idle: Sender[] = []
  const senders: Sender[] = []
  const queue: number[] = []
  let queueHead = 0

  const send = (sender: Sender, dueNanos: number) => {
    sender.dueNanos = dueNanos
    sender.connection.send(run.request)
  }
  for (let i = 0; i < plan.connections; i++) {
    const sender: Sender = openSender(plan, run, () => {
      const waiting = queue[queueHead]
      if (waiting === undefined) idle.push(sender)
      else {
        queueHead++
        send(sender, waiting)
      }
    })
    senders.push(sender)
    idle.push(sender)
  }

  const gapNanos = 1e9 / plan.ratePerSecond
  const fromNanos = now() + run.settleNanos
  let issued = 0
  const onBeat = (dueNanos: number) => {
    const latest = Math.round((dueNanos - fromNanos) / gapNanos)
    for (; issued <= latest; issued++) {
      const due = fromNanos + issued * gapNanos
      const sender = idle.pop()
      if (sender) send(sender, due)
      else queue.push(due)
    }
  }
  const clock = openSendClock({ fromNanos, untilNanos: tally.window.untilNanos, gapNanos }, onBeat)
  await run.untilEnd()
  await clock.stop()
  const inFlight = senders.filter((sender) => sender.connection.busy).length
  for (const sender of senders) sender.connection.close()
  return tally.result({ queued: queue.length - queueHead, inFlight })
}

function openSender(plan: LoadPlan, { buffer, now, tally }: Running, onFree: () => void): Sender {
  const sender: Sender = {
    dueNanos: 0,
    connection: new LoadConnection(
      { host: plan.host, port: plan.port, buffer },
      {
        onFirstByte: () => tally.firstByte(sender.dueNanos, now()),
        onBody: () => undefined,
        onReply: (status) => {
          tally.reply(status, sender.dueNanos, now())
          onFree()
        },
      },
    ),
  }
  return sender
}
