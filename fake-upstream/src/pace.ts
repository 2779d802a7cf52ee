/**
 * Pace: how silence is kept. A wait ends early when the client leaves, so that nothing is produced for nobody.
 */
import type { ServerResponse } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Exchange } from './exchange.ts'

/** The longest wait a Node timer can hold. */
const TIMER_MAX_MS = 2 ** 31 - 1

/**
 * Waits `waitMs` milliseconds (Infinity: for ever), or until the connection of `response` is gone.
 * Gives whether the client is still there.
 */
export function pause(response: ServerResponse, waitMs: number): Promise<boolean> {
  if (isGone(response)) return Promise.resolve(false)
  if (waitMs <= 0) return Promise.resolve(true)
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      response.off('close', end)
      resolve(!isGone(response))
    }
    const timer = waitMs <= TIMER_MAX_MS ? setTimeout(end, waitMs) : undefined
    response.once('close', end)
  })
}

/** Waits as long as the behaviour says, faster by the speed of the server; for ever stays for ever. */
export function keepSilent({ response, speed }: Exchange, waitMs: number): Promise<boolean> {
  return pause(response, waitMs === Number.POSITIVE_INFINITY ? waitMs : waitMs / speed)
}

/** Whether the client has left. */
export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.closed || response.socket?.destroyed === true
}

/** Lets the sockets be served between two events that follow without a gap. */
export async function breathe(): Promise<void> {
  await setImmediate()
}
