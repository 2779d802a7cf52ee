/** Times put in few words. */

/** @returns median, 99th percentile and maximum, as `1.2 / 3.4 / 5.6` in the unit of what was given */
export function timesText(times: readonly number[]): string {
  const inOrder = [...times].sort((a, b) => a - b)
  const at = (share: number) => inOrder[Math.max(0, Math.ceil(inOrder.length * share) - 1)] ?? Number.NaN
  return [0.5, 0.99, 1].map((share) => at(share).toPrecision(3)).join(' / ')
}
