/**
 * The one clock of the bench: nanoseconds of CLOCK_MONOTONIC as a plain number, comparable between processes
 * of one machine, so that the loader can time what the mock upstream stamped. A double holds it to the
 * nanosecond for the first 104 days of a machine's life and to two nanoseconds after that.
 */

/** A reader of the clock. Made once per process: `performance.now()` costs less per call than `hrtime`. */
export function openMonotonic(): () => number {
  // Whatever delays the second reading makes the offset too small, so the largest of several is the true one.
  let offsetNanos = Number.NEGATIVE_INFINITY
  for (let i = 0; i < 20; i++) {
    const nanos = Number(process.hrtime.bigint())
    offsetNanos = Math.max(offsetNanos, nanos - performance.now() * 1e6)
  }
  return () => performance.now() * 1e6 + offsetNanos
}
