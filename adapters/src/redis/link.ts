/**
 * A link is one connection to Redis in whichever form it comes (server, cluster, sentinels), cut down to the
 * few things we do with it. It is thrown away and made anew when it is stuck, which no client library does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient, createCluster, createSentinel } from 'redis'
import { keySlot } from './key-slot.ts'
import type { RedisTarget } from './redis-url.ts'

/** What a link tells of itself; many times over while Redis is away. */
export type LinkEvents = { onReady(): void; onTrouble(fault: unknown): void }

export type Link = {
  open(): Promise<unknown>
  /** @param key decides the node in a cluster; not added to the command */
  send(key: string, args: string[]): Promise<unknown>
  /** Resolves when every server behind the link has answered. */
  ping(): Promise<unknown>
  /** Turns this link into a listener. Re-subscribes by itself after a reconnect. */
  subscribe(channel: string, onMessage: () => void): Promise<unknown>
  /** Ends when what was sent is answered. */
  close(): Promise<unknown>
  destroy(): void
}

const CONNECT_TIMEOUT_MS = 500
/** How long a command waits for the node of its slot to be connected to; then it fails, and is not queued. */
const NODE_WAIT_MS = 20
const BACKOFF_FIRST_MS = 50
const BACKOFF_MAX_MS = 2_000

/** How long to wait before attempt number `retries` (from 0); doubles, with up to a quarter of jitter. */
export function backoffMs(retries: number): number {
  const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(retries, 10), BACKOFF_MAX_MS)
  return Math.round(waitMs * (0.75 + Math.random() * 0.25))
}

/** Makes a link that is not open yet. */
export function makeLink(target: RedisTarget, events: LinkEvents): Link {
  if (target.kind === 'cluster') return clusterLink(target, events)
  if (target.kind === 'sentinel') return sentinelLink(target, events)
  return singleLink(target, events)
}

/**
 * What every connection has in common. The library's own deadline is off (0): it would cost a timer for
 * each command. Replies come in the RESP2 shapes, which are the same on every server and proxy.
 */
function common(target: RedisTarget) {
  return {
    RESP: 2 as const,
    maintNotifications: 'disabled' as const,
    disableOfflineQueue: true,
    ...(target.username === null ? {} : { username: target.username }),
    ...(target.password === null ? {} : { password: target.password }),
  }
}

function socketOf(target: RedisTarget) {
  const timing = { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: backoffMs }
  return target.tls ? { ...timing, tls: true as const } : timing
}

function singleLink(target: RedisTarget, events: LinkEvents): Link {
  const { host, port } = target.addresses[0]
  const client = createClient({
    ...common(target),
    database: target.database,
    commandOptions: { timeout: 0 },
    socket: { ...socketOf(target), host, port },
  })
  client.on('error', events.onTrouble)
  client.on('ready', events.onReady)
  return {
    open: () => client.connect(),
    send: (_key, args) => client.sendCommand(args),
    ping: () => client.ping(),
    subscribe: (channel, onMessage) => client.subscribe(channel, onMessage),
    close: () => client.close(),
    destroy: () => client.destroy(),
  }
}

function clusterLink(target: RedisTarget, events: LinkEvents): Link {
  const { username, password, ...shared } = common(target)
  const socket = socketOf(target)
  const cluster = createCluster({
    RESP: 2,
    rootNodes: target.addresses.map((address) => ({ socket: { ...socket, ...address } })),
    defaults: {
      ...shared,
      socket,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    },
    commandOptions: { timeout: 0 },
    // Else one dead node keeps us from all the others: the library opens all connections or none.
    minimizeConnections: true,
  })
  cluster.on('error', events.onTrouble)
  return {
    open: async () => {
      await cluster.connect()
      for (const node of cluster.masters) cluster.nodeClient(node).catch(events.onTrouble)
      for (let ms = 0; ms < CONNECT_TIMEOUT_MS && cluster.masters.some(isConnecting); ms += NODE_WAIT_MS)
        await sleep(NODE_WAIT_MS)
      events.onReady()
    },
    send: async (key, args) => {
      const node = cluster.slots[keySlot(key)]?.master
      if (node?.client === undefined && node !== undefined) cluster.nodeClient(node).catch(events.onTrouble)
      if (node !== undefined && isConnecting(node)) await untilConnected(node)
      return cluster.sendCommand(key, false, args)
    },
    // A node that is not connected is missed by whoever needs it; one that is and stays silent is stuck.
    ping: async () => {
      const there = cluster.masters.filter((it) => it.client?.isReady)
      if (there.length === 0) throw new Error('no node is connected')
      return Promise.all(there.map((it) => it.client?.ping()))
    },
    subscribe: (channel, onMessage) => cluster.subscribe(channel, onMessage),
    close: () => cluster.close(),
    destroy: () => cluster.destroy(),
  }
}

type ClusterNode = { readonly address: string; readonly connectPromise?: Promise<unknown> | undefined }

function isConnecting(node: ClusterNode): boolean {
  return node.connectPromise !== undefined
}

/** The library queues commands for a node it has not reached yet, without end and without a deadline. */
async function untilConnected(node: ClusterNode): Promise<void> {
  await sleep(NODE_WAIT_MS)
  if (isConnecting(node)) throw new Error(`the node ${node.address} is not connected`)
}

/** The user and password are those of the data nodes; sentinels are asked without any. */
function sentinelLink(target: RedisTarget, events: LinkEvents): Link {
  const { RESP, ...shared } = common(target)
  const socket = socketOf(target)
  const sentinel = createSentinel({
    RESP,
    name: target.primaryName ?? '',
    sentinelRootNodes: [...target.addresses],
    nodeClientOptions: { ...shared, socket },
    sentinelClientOptions: { maintNotifications: 'disabled', disableOfflineQueue: true, socket },
    commandOptions: { timeout: 0 },
  })
  sentinel.on('error', events.onTrouble)
  return {
    open: async () => {
      await sentinel.connect()
      events.onReady()
    },
    send: (_key, args) => sentinel.sendCommand(false, args),
    ping: () => sentinel.sendCommand(false, ['PING']),
    subscribe: (channel, onMessage) => sentinel.subscribe(channel, onMessage),
    close: () => sentinel.close(),
    destroy: () => {
      sentinel.destroy().catch(events.onTrouble)
    },
  }
}
