/**
 * Starts one real Postgres (crash safety off) and one real Redis for the whole test run and tells the test
 * files where they are. No server, no run: nothing here falls back to an imitation.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalRedis } from '@headgate/adapters/redis/local-server'
import { startLocalPostgres } from '@headgate/control-plane/database/local-server'
import type { TestProject } from 'vitest/node'
import { givenPostgresUrl, givenRedisUrl } from './environment.ts'
import { clearOldRuns, makeRunFolder } from './run-folder.ts'

/** As many test files as may ever take a database in one run. */
const REDIS_DATABASES = 1024

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
    redisUrl: string
    /** How many numbered databases the Redis has. */
    redisDatabases: number
  }
}

type Started = { readonly url: string; stop(): Promise<void> }

/** Called by Vitest once per run; gives back what undoes it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await clearOldRuns()
  const folder = await makeRunFolder()
  const [postgres, redis] = await Promise.allSettled([
    given(givenPostgresUrl()) ?? startLocalPostgres({ dataDir: join(folder, 'postgres'), durable: false }),
    given(givenRedisUrl()) ??
      startLocalRedis({ dataDir: join(folder, 'redis'), persistent: false, databases: REDIS_DATABASES }),
  ])
  const stopAll = async () => {
    for (const started of [postgres, redis]) if (started.status === 'fulfilled') await started.value.stop()
    await rm(folder, { recursive: true, force: true })
  }
  if (postgres.status === 'rejected' || redis.status === 'rejected') {
    await stopAll()
    throw postgres.status === 'rejected' ? postgres.reason : (redis as PromiseRejectedResult).reason
  }
  project.provide('postgresUrl', postgres.value.url)
  project.provide('redisUrl', redis.value.url)
  project.provide('redisDatabases', givenRedisUrl() === null ? REDIS_DATABASES : 16)
  return stopAll
}

function given(url: string | null): Started | null {
  return url === null ? null : { url, stop: async () => {} }
}
