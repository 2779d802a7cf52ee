/**
 * The client is our one way to Redis. It keeps a link open and says once per change how it stands. Commands
 * are never queued while Redis is away: they fail at once, and whoever sent them decides what that means.
 */
import type { Log } from '@headgate/domain/ports'
import { parseRedisUrl } from './redis-url.ts'
import { WatchedLink } from './watched-link.ts'

export type RedisClient = {
  /** True when commands that touch several keys need them in one hash slot. */
  readonly clustered: boolean
  /**
   * Sends one command; all commands of one turn of the event loop leave in one write.
   * @param key any key of the command; it decides the node in a cluster
   * @throws whatever Redis or the connection says; at once while Redis is away
   */
  send(key: string, args: string[]): Promise<unknown>
  /** Calls back for each message on a channel, over a connection of its own; holds through reconnects. */
  subscribe(channel: string, onMessage: () => void): void
  state(): 'ready' | 'away'
  /** Ends all connections, after waiting a moment for answers to what was sent. */
  close(): Promise<void>
}

export type RedisClientOptions = {
  readonly log: Log
  /** How long to wait for the first connection before returning without one; 500 ms. */
  readonly connectWaitMs?: number
}

const CONNECT_WAIT_MS = 500

/**
 * Connects to Redis. Returns when the first connection stands or the wait is over; in the second case the
 * client is `away` and keeps trying, with pauses of 50 ms to 2 s.
 * @param url see redis-url.ts for its forms
 * @throws Error when the URL is malformed; the text never holds the password
 */
export async function connectRedis(url: string, options: RedisClientOptions): Promise<RedisClient> {
  const target = parseRedisUrl(url)
  const main = new WatchedLink(target, options.log)
  const listeners: WatchedLink[] = []
  await main.firstOpen(options.connectWaitMs ?? CONNECT_WAIT_MS)
  return {
    clustered: target.kind === 'cluster',
    send: (key, args) => main.send(key, args),
    subscribe: (channel, onMessage) => {
      listeners.push(new WatchedLink(target, () => {}, { channel, onMessage }))
    },
    state: () => main.state,
    close: async () => {
      await Promise.all([main, ...listeners].map((it) => it.close()))
    },
  }
}
