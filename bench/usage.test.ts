/** Synthetic usage is what the product stores and answers, and rollups cost little beside the records. */

import { openDatabase } from '@headgate/control-plane/database/open'
import { checkDay } from '@headgate/control-plane/jobs/check-usage'
import { insertUsage } from '@headgate/control-plane/jobs/usage-rows'
import { UsageRecord } from '@headgate/domain/usage-record'
import { expect, test } from 'vitest'
import { migratedDatabase } from '../tests/admin/harness.ts'
import { rounds } from '../tests/servers/rounds.ts'
import { lastDays, loadUsage } from './load-usage.ts'
import { timeQuestions } from './query-usage.ts'
import { syntheticCall } from './synthetic-usage.ts'

const CALLS = rounds(8_000)
const DAYS = 3
const now = Date.now()
const span = lastDays(DAYS, CALLS, now)
const log = () => {}

test('equal numbers give equal calls, all of them valid, in the order of time', () => {
  const calls = Array.from({ length: 500 }, (_, n) => syntheticCall(n, span))
  expect(calls).toEqual(Array.from({ length: 500 }, (_, n) => syntheticCall(n, span)))
  for (const call of calls) expect(UsageRecord.parse(call)).toEqual(call)
  expect(calls.map((it) => it.startedAt)).toEqual(calls.map((it) => it.startedAt).sort())
})

test('a load is stored once, sums hold, every question is answered, and rollups cost at most 20 times the insert', async () => {
  const { url } = await migratedDatabase()
  const load = { url, span, from: 0, to: 1, lanes: 2, say: () => {} }
  const startMs = performance.now()
  expect((await loadUsage(load)).stored).toBe(CALLS)
  const storedMs = performance.now() - startMs
  expect((await loadUsage({ ...load, from: 0.5 })).stored).toBe(0)
  const { db, close } = openDatabase({
    url,
    name: 'test',
    statementTimeoutMs: 60_000,
    connectionsMax: 2,
    log,
  })
  try {
    for (let day = 0; day < DAYS; day++) {
      const date = new Date(span.fromMs + day * 24 * 60 * 60 * 1000).toISOString().slice(0, 10)
      expect(await checkDay({ db, log, clock: { nowMs: () => now } }, date)).toEqual([])
    }
    const timings = await timeQuestions(url, 1, span.fromMs + DAYS * 24 * 60 * 60 * 1000)
    for (const { question, sums } of timings) expect(sums, question).toBeGreaterThan(0)
    // The same number of calls a month before, without their rollups.
    const before = { ...span, fromMs: span.fromMs - 30 * 24 * 60 * 60 * 1000 }
    const records = Array.from({ length: CALLS }, (_, n) => syntheticCall(n, before))
    const insertMs = performance.now()
    for (let n = 0; n < CALLS; n += 2_000) await insertUsage(db, records.slice(n, n + 2_000))
    expect(storedMs / (performance.now() - insertMs)).toBeLessThan(20)
  } finally {
    await close()
  }
})
