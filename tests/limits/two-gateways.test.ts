/** Two gateway processes, one Redis, five times what is granted: never more than the bound, hardly less than it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { claimOn, newBucket } from '../../adapters/src/contracts/ledger-contract.ts'
import { capacityOf } from '../../domain/src/bucket.ts'
import type { Claim } from '../../domain/src/reservation.ts'
import { WINDOW_SLOTS } from '../../domain/src/window.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import { rounds } from '../servers/rounds.ts'
import type { LoadPlan, LoadReport } from './load-process.ts'

const PROCESS = fileURLToPath(new URL('./load-process.ts', import.meta.url))
/** For the slower of two processes to be there. */
const START_MS = 1_500
const OVERLOAD = 5
/** What a bucket's number may be off by for each call that was added to it, in calls. */
const ROUNDING = 1e-6

/** The largest number by which a stretch of time, beginning with any admitted call, holds more than its bound. */
function worstExcess(timesMs: readonly number[], stretchMs: number, bound: number): number {
  let [worst, last] = [Number.NEGATIVE_INFINITY, 0]
  for (let first = 0; first < timesMs.length; first++) {
    while (last < timesMs.length && timesMs[last]! < timesMs[first]! + stretchMs) last++
    worst = Math.max(worst, last - first - bound)
  }
  return worst
}

/** For a bucket every length of a stretch has its bound: of all pairs of calls, the one furthest above it. */
function worstBucketExcess(timesMs: readonly number[], { limit, windowMs }: Claim): number {
  const perMs = limit / windowMs
  let [worst, lead] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [index, atMs] of timesMs.entries()) {
    lead = Math.max(lead, atMs * perMs - index)
    worst = Math.max(worst, index + 1 - atMs * perMs + lead - capacityOf(limit))
  }
  return worst
}

async function loadWith(plan: LoadPlan): Promise<LoadReport> {
  const options = { maxBuffer: 200_000_000 }
  const { stdout } = await promisify(execFile)(process.execPath, [PROCESS, JSON.stringify(plan)], options)
  return JSON.parse(stdout)
}

test('two gateways at five times the limit: none over the bound, at most a twentieth under it', async () => {
  const lengthMs = rounds(3) * 1_000
  const pool = { limit: 150, windowMs: 500 } as const
  const window = claimOn(newBucket(), { kind: 'window', ...pool })
  const bucket = claimOn(newBucket(), { kind: 'bucket', ...pool })
  const fromMs = Date.now() + START_MS
  const plan: LoadPlan = {
    ...{ url: await freshRedisUrl(), claims: [window, bucket], fromMs, untilMs: fromMs + lengthMs },
    pace: (OVERLOAD * pool.limit) / (pool.windowMs / 1000) / 2,
  }
  const reports = await Promise.all([loadWith(plan), loadWith(plan)])
  const [inWindow, inBucket] = [0, 1].map((claim) =>
    reports.flatMap((it) => it.admittedAt[claim]!.map((micros) => micros / 1000)).sort((a, b) => a - b),
  ) as [number[], number[]]
  expect(reports.map((it) => it.unjudged)).toEqual([0, 0])
  expect(worstExcess(inWindow, pool.windowMs, pool.limit)).toBeLessThanOrEqual(0)
  expect(worstBucketExcess(inBucket, bucket)).toBeLessThanOrEqual(inBucket.length * ROUNDING)

  const windows = (times: number[]) => (times.at(-1)! - times[0]!) / pool.windowMs
  const windowMost = (WINDOW_SLOTS / (WINDOW_SLOTS + 1)) * pool.limit * windows(inWindow)
  const bucketMost = capacityOf(pool.limit) + pool.limit * windows(inBucket)
  expect(inWindow.length / windowMost).toBeGreaterThan(0.95)
  expect(inBucket.length / bucketMost).toBeGreaterThan(0.95)
})

test('the oracle finds a single call too many', () => {
  const times = [0, 10, 20, 510, 520]
  expect(worstExcess(times, 500, 3)).toBe(0)
  expect(worstExcess([0, 10, 20, 510, 515, 520], 500, 3)).toBe(0)
  expect(worstExcess([0, 10, 20, 499], 500, 3)).toBe(1)
  const bucket = claimOn('{t}', { limit: 4, windowMs: 400 })
  expect(worstBucketExcess([0, 100, 200], bucket)).toBe(0)
  expect(worstBucketExcess([0, 100, 150], bucket)).toBeCloseTo(0.5)
})
