/** Shares of times, and times put in few words. */

/**
 * The time within which this share of all lies, by the nearest rank.
 * @param inOrder ascending
 * @returns NaN for no times
 */
export function percentile(inOrder: readonly number[], share: number): number {
  return inOrder[Math.max(0, Math.ceil(inOrder.length * share) - 1)] ?? Number.NaN
}

/** @returns median, 99th percentile and maximum, as `1.2 / 3.4 / 5.6` in the unit of what was given */
export function timesText(times: readonly number[]): string {
  const inOrder = [...times].sort((a, b) => a - b)
  return [0.5, 0.99, 1].map((share) => percentile(inOrder, share).toPrecision(3)).join(' / ')
}
