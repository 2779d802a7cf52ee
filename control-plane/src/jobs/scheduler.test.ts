/** Jobs run again and again, exclusive ones in one place at a time, and stop when told. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../tests/admin/harness.ts'
import { freshDatabase } from '../../../tests/servers/fresh-database.ts'
import { type OpenDatabase, openDatabase } from '../database/open.ts'
import { startJobs } from './scheduler.ts'

const log = () => {}
let it: OpenDatabase
beforeAll(async () => {
  const { url } = await freshDatabase()
  it = openDatabase({ url, name: 'test', statementTimeoutMs: 5_000, connectionsMax: 8, log })
})
afterAll(() => it.close())

test('a job with a lock never runs twice at once, whoever starts it, and everybody may get a turn', async () => {
  let running = 0
  let runs = 0
  let most = 0
  const job = {
    name: 'alone',
    everyMs: 1,
    lock: 99,
    run: async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 5))
      running -= 1
      runs += 1
    },
  }
  const schedulers = [1, 2, 3].map(() => startJobs([job], { locks: it.db, log }))
  await until(() => runs >= 10, 'ten runs')
  await Promise.all(schedulers.map((scheduler) => scheduler.stop()))
  expect([most, running]).toEqual([1, 0])
})

test('a job that fails is tried again, and said to fail ever more rarely', async () => {
  const lines: string[] = []
  let tries = 0
  const job = {
    name: 'unlucky',
    everyMs: 1,
    run: async () => {
      tries += 1
      if (tries <= 3) throw new Error('not yet')
    },
  }
  const scheduler = startJobs([job], {
    locks: it.db,
    log: (level, message) => lines.push(`${level} ${message}`),
  })
  await until(() => tries >= 5, 'it to work')
  await scheduler.stop()
  expect(lines).toEqual([
    'warn a job failed and will be tried again',
    'warn a job failed and will be tried again',
    'info a job runs again',
  ])
})

test('stopping raises the signal and waits for the run under way', async () => {
  let ended = false
  const job = {
    name: 'long',
    everyMs: 1_000,
    run: async (signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 20))
      ended = true
    },
  }
  await startJobs([job], { locks: it.db, log }).stop()
  expect(ended).toBe(true)
})
