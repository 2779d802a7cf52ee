/**
 * Keeps a store of ours running: one that ends by itself is started again on its own data, on the same
 * address, while callers go on being served. The planes bear its absence; nobody has to notice but the log.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@headgate/domain/ports'
import type { Undo } from './undo.ts'

const RETRY_MS = 1000

/** A server beside us, as the local-server files start it. */
export type LocalServer = {
  readonly url: string
  /** Resolves with the reason when it ends without having been stopped. */
  readonly died: Promise<string>
  stop(): Promise<void>
}

/**
 * Starts a server and gives its address, which stays the same over restarts.
 * @throws whatever `start` throws, the first time only; later failures are logged and tried again
 */
export async function keepRunning(
  name: string,
  start: () => Promise<LocalServer>,
  { log, undo }: { log: Log; undo: Undo },
): Promise<string> {
  let server = await start()
  const stopping = new AbortController()
  const { url } = server

  const watch = async (): Promise<void> => {
    const reason = await server.died
    if (stopping.signal.aborted) return
    log('error', `${reason}; starting it again`)
    for (;;) {
      try {
        // Its claim on the folder is given back by stop, which for a dead server is all stop does.
        await server.stop()
        server = await start()
        break
      } catch (fault) {
        log('error', `${name} could not be started again`, { reason: String(fault) })
        await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {})
        if (stopping.signal.aborted) return
      }
    }
    log(server.url === url ? 'warn' : 'error', `${name} runs again`, { sameAddress: server.url === url })
    return watch()
  }
  void watch()
  undo.push(() => {
    stopping.abort()
    return server.stop()
  })
  return url
}
