/**
 * Runs jobs again and again until told to stop. An exclusive job runs in one process at a time, whichever
 * holds its lock in Postgres; should that process die, the lock goes with its connection and another takes over.
 */
import type { Log } from '@headgate/domain/ports'
import { sql } from 'kysely'
import type { Database } from '../database/open.ts'

const BACK_OFF_MAX_MS = 30_000

export type Job = {
  readonly name: string
  /** From the end of one run to the beginning of the next; a tenth of it up or down by chance. */
  readonly everyMs: number
  /** The number of its lock, for a job that must not run twice at once. */
  readonly lock?: number
  /** Stops soon after `signal` is raised, leaving nothing half done. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export type Scheduler = {
  /** Raises the signal and waits for the runs under way. */
  stop(): Promise<void>
}

/**
 * Starts the jobs, each with its first run at once. A run that fails is logged and tried later, and later.
 * @param locks where locks are held, a connection each: no pool that a job waits for
 */
export function startJobs(jobs: readonly Job[], { locks, log }: { locks: Database; log: Log }): Scheduler {
  const controller = new AbortController()
  const running = jobs.map((job) => keepRunning(job, { locks, log, signal: controller.signal }))
  return {
    stop: async () => {
      controller.abort()
      await Promise.all(running)
    },
  }
}

type Surroundings = { readonly locks: Database; readonly log: Log; readonly signal: AbortSignal }

async function keepRunning(job: Job, around: Surroundings): Promise<void> {
  let failures = 0
  while (!around.signal.aborted) {
    try {
      await runOnce(job, around)
      if (failures > 0) around.log('info', 'a job runs again', { job: job.name, failures })
      failures = 0
    } catch (fault) {
      failures += 1
      // Once when it begins to fail and then ever more rarely: a database that is away would fill the log.
      if (Number.isInteger(Math.log2(failures))) {
        const reason = fault instanceof Error ? fault.message : String(fault)
        around.log('warn', 'a job failed and will be tried again', { job: job.name, failures, reason })
      }
    }
    const backOffMs = failures === 0 ? 0 : Math.min(BACK_OFF_MAX_MS, 100 * 2 ** failures)
    await pause(Math.max(job.everyMs, backOffMs) * (0.9 + Math.random() * 0.2), around.signal)
  }
}

async function runOnce(job: Job, { locks, signal }: Surroundings): Promise<void> {
  const { lock } = job
  if (lock === undefined) return job.run(signal)
  await locks.connection().execute(async (held) => {
    const taken = await sql<{ taken: boolean }>`select pg_try_advisory_lock(7402, ${lock}) as taken`.execute(
      held,
    )
    if (!taken.rows[0]?.taken) return
    try {
      await job.run(signal)
    } finally {
      await sql`select pg_advisory_unlock(7402, ${lock})`.execute(held)
    }
  })
}

/**
 * How long to wait after so many failures, in milliseconds: doubled each time, and anything up to that, so that
 * processes that failed together do not come back together.
 */
export function jitteredMs(failures: number, { minMs, maxMs }: { minMs: number; maxMs: number }): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures, 20))
  return minMs + Math.random() * (ceiling - minMs)
}

/** Waits, but no longer than until the signal is raised. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
