/**
 * The loader, in a process of its own so that its work is on its own core and in nobody's figures.
 *
 * `node bench/load.ts '<plan as JSON>'` prints `measuring` when the warm-up is over and one line of JSON (a
 * `LoadResult`) at the end.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runClosed } from './load-closed.ts'
import { sharedReadBuffer } from './load-connection.ts'
import { runOpen } from './load-open.ts'
import { type LoadPlan, type LoadResult, requestBytes } from './load-plan.ts'
import { runStreams } from './load-streams.ts'
import { openLoadTally, type Running, windowOf } from './load-tally.ts'
import { openMonotonic } from './monotonic.ts'

const SETTLE_SECONDS = 0.1
const SHAPES = { closed: runClosed, open: runOpen, streams: runStreams }

async function runPlan(plan: LoadPlan): Promise<LoadResult> {
  const now = openMonotonic()
  const window = windowOf(plan, now() + SETTLE_SECONDS * 1e9)
  const untilNanos = (nanos: number) => sleep(Math.max(0, (nanos - now()) / 1e6))
  const ended = untilNanos(window.untilNanos)
  const run: Running = {
    request: requestBytes(plan, readFileSync(plan.bodyFile)),
    buffer: sharedReadBuffer(),
    now,
    tally: openLoadTally(window),
    settleNanos: SETTLE_SECONDS * 1e9,
    untilEnd: () => ended,
  }
  const begun = untilNanos(window.fromNanos).then(() => process.stdout.write('measuring\n'))
  const result = await SHAPES[plan.shape](plan, run)
  await begun
  return result
}

const result = await runPlan(JSON.parse(process.argv[2] ?? '{}') as LoadPlan)
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
