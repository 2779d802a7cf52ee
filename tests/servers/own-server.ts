/**
 * A Postgres or Redis of a test's own, for tests that stop, kill or starve it. Slower than a fresh database
 * on the shared one (a second, a tenth of one), so only where the server itself is the subject.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type LocalRedis, startLocalRedis } from '@headgate/adapters/redis/local-server'
import { type LocalPostgres, startLocalPostgres } from '@headgate/control-plane/database/local-server'
import { makeRunFolder } from './run-folder.ts'

export type OwnServer<Server> = {
  readonly current: Server
  /** Ends it as a power cut would, and resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same data, on the same port if that is still free. */
  restart(): Promise<Server>
  /** Stops it and removes its data. */
  [Symbol.asyncDispose](): Promise<void>
}

/** A Redis that keeps its data over `restart()`. */
export function ownRedis(): Promise<OwnServer<LocalRedis>> {
  return own((folder) => startLocalRedis({ dataDir: join(folder, 'redis'), persistent: true }))
}

/** A Postgres that keeps its data over `restart()`, even after `kill()`. */
export function ownPostgres(): Promise<OwnServer<LocalPostgres>> {
  return own((folder) => startLocalPostgres({ dataDir: join(folder, 'postgres'), durable: true }))
}

async function own<Server extends LocalRedis | LocalPostgres>(
  start: (folder: string) => Promise<Server>,
): Promise<OwnServer<Server>> {
  const folder = await makeRunFolder()
  let current = await start(folder)
  return {
    get current() {
      return current
    },
    async kill() {
      process.kill(current.pid, 'SIGKILL')
      await current.died
      await current.stop()
    },
    async restart() {
      await current.stop()
      current = await start(folder)
      return current
    },
    async [Symbol.asyncDispose]() {
      await current.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
