/**
 * A histogram holds millions of latencies in a few kilobytes: 128 linear buckets per power of two, so any
 * value read back is within 0.4 % of the one put in. Values go in as nanoseconds and come out as microseconds.
 */

const PER_OCTAVE = 128
const OCTAVES = 45
const EXPONENT_OF_ONE = 1023 * PER_OCTAVE

/** What is printed of a histogram; microseconds, and how many values it stands for. */
export type Quantiles = {
  readonly count: number
  readonly meanUs: number
  readonly p50Us: number
  readonly p90Us: number
  readonly p95Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

export type Histogram = {
  /** Takes one value in nanoseconds; below one counts as one, above nine hours as nine hours. */
  add(nanos: number): void
  /** The value below which a share `q` (0 to 1) of all values lies, in nanoseconds; 0 when empty. */
  quantile(q: number): number
  quantiles(): Quantiles
}

/** An empty histogram. */
export function openHistogram(): Histogram {
  const counts = new Uint32Array(OCTAVES * PER_OCTAVE)
  const double = new Float64Array(1)
  const words = new Uint32Array(double.buffer)
  let count = 0
  let sum = 0
  let max = 0

  function add(nanos: number): void {
    double[0] = nanos < 1 ? 1 : nanos
    // The high word of a double is exponent then mantissa: shifted so that seven mantissa bits stay, it counts
    // buckets by itself (little-endian, as every machine Node runs on).
    const bucket = ((words[1] ?? 0) >>> 13) - EXPONENT_OF_ONE
    const at = bucket < counts.length ? bucket : counts.length - 1
    counts[at] = (counts[at] ?? 0) + 1
    count++
    sum += nanos
    if (nanos > max) max = nanos
  }

  function quantile(q: number): number {
    let left = q * count
    for (let i = 0; i < counts.length; i++) {
      left -= counts[i] ?? 0
      if (left < 0) return Math.min(middleOf(i), max)
    }
    return max
  }

  function quantiles(): Quantiles {
    const us = (nanos: number) => nanos / 1000
    return {
      count,
      meanUs: count === 0 ? 0 : us(sum / count),
      p50Us: us(quantile(0.5)),
      p90Us: us(quantile(0.9)),
      p95Us: us(quantile(0.95)),
      p99Us: us(quantile(0.99)),
      p999Us: us(quantile(0.999)),
      maxUs: us(max),
    }
  }

  return { add, quantile, quantiles }
}

function middleOf(bucket: number): number {
  const octave = Math.floor(bucket / PER_OCTAVE)
  return 2 ** octave * (1 + ((bucket % PER_OCTAVE) + 0.5) / PER_OCTAVE)
}
