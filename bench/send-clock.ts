/**
 * The send clock wakes an open loop on time. Node's own timers are coarse to a millisecond, which is more than
 * what is to be measured; a worker thread that sleeps in `Atomics.wait` is exact to some ten microseconds and
 * costs nothing while it sleeps. One file for both ends: loaded as a worker it is the clock.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

type Beat = { fromNanos: number; untilNanos: number; gapNanos: number }

/**
 * Calls `onBeat` at `fromNanos` and every `gapNanos` after, until `untilNanos` (monotonic clock). A late beat
 * does not move the next one; of beats that are late together only the last arrives.
 * `onBeat` is told when it should have been called, in nanoseconds.
 */
export function openSendClock(beat: Beat, onBeat: (dueNanos: number) => void): { stop(): Promise<number> } {
  const worker = new Worker(new URL(import.meta.url), { workerData: beat })
  worker.on('message', onBeat)
  return { stop: () => worker.terminate() }
}

if (!isMainThread && parentPort !== null) keepTime(workerData as Beat, parentPort)

function keepTime(beat: Beat, port: { postMessage(dueNanos: number): void }): void {
  const nowNanos = () => Number(process.hrtime.bigint())
  const never = new Int32Array(new SharedArrayBuffer(4))
  for (let due = beat.fromNanos; due < beat.untilNanos; due += beat.gapNanos) {
    const early = due - nowNanos()
    if (early > 0) Atomics.wait(never, 0, 0, early / 1e6)
    else if (-early > beat.gapNanos) continue
    port.postMessage(due)
  }
}
