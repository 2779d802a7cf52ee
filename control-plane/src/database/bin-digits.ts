/**
 * The bins of a rollup as one number: bin n is the twelve decimal digits from 10^(12n) on. Postgres then adds
 * bins by adding numbers, without a function of ours, and keeps no digit of the empty bins below the first.
 */
import type { Bins } from '@headgate/domain/rollup'

/** A bin of a sum may hold up to a million million values. */
const DIGITS = 12
const EMPTY = '0'.repeat(DIGITS)

/** The number as text that Postgres reads, such as `3e480`. */
export function digitsOf(bins: Bins): string {
  const numbers = [...bins.keys()].sort((a, b) => a - b)
  const [lowest, highest] = [numbers[0], numbers.at(-1)]
  if (lowest === undefined || highest === undefined) return '0'
  let text = ''
  for (let bin = highest; bin >= lowest; bin--) {
    const count = bins.get(bin)
    text += count === undefined ? EMPTY : String(count).padStart(DIGITS, '0')
  }
  return `${text}e${lowest * DIGITS}`
}

/** The bins in numbers that Postgres wrote out whole, together. */
export function binsOf(numbers: readonly string[]): Map<number, number> {
  const bins = new Map<number, number>()
  for (const digits of numbers) {
    for (let end = digits.length, bin = 0; end > 0; end -= DIGITS, bin++) {
      const count = Number(digits.slice(Math.max(0, end - DIGITS), end))
      if (count > 0) bins.set(bin, (bins.get(bin) ?? 0) + count)
    }
  }
  return bins
}
