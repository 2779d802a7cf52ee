/** Starts a data plane from its settings and ports, and stops it without cutting anybody off. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { idSource } from '@headgate/domain/id'
import type {
  CallRecords,
  CatalogFeed,
  CatalogShelf,
  Clock,
  DigestKey,
  KeyDirectory,
  Ledger,
  Log,
  SecretResolver,
  UsageStream,
} from '@headgate/domain/ports'
import type { DataPlaneConfig } from './config.ts'
import { SaidRoom } from './endpoints/said-room.ts'
import { healthDoor } from './http/health.ts'
import { openOpsDoor } from './http/ops-server.ts'
import { type Door, openDoor } from './http/server.ts'
import { followCatalog } from './live-catalog.ts'
import { callLog } from './observe/call-log.ts'
import { dataPlaneMetrics } from './observe/metrics.ts'
import { DeploymentLoads } from './pipeline/deployment-loads.ts'
import type { Gateway } from './pipeline/gateway.ts'
import { liveStreams } from './pipeline/live-streams.ts'
import { OwnUsePace } from './pipeline/own-use-pace.ts'
import { RecentCalls } from './pipeline/recent-calls.ts'
import { SeenSpend } from './pipeline/seen-spend.ts'
import { TokenCounter } from './tokenizer/token-counter.ts'
import { openConnections } from './upstreams/connection.ts'

const USAGE_FLUSH_MS = 5000
const DRAIN_CHECK_MS = 20
/** For counting what was cut when the time to drain was up. */
const COUNT_MS_LEAST = 2000

export type DataPlanePorts = {
  readonly clock: Clock
  readonly catalogFeed: CatalogFeed
  readonly catalogShelf: CatalogShelf
  readonly keys: KeyDirectory
  readonly digest: DigestKey
  readonly ledger: Ledger
  readonly usage: UsageStream
  readonly callRecords: CallRecords
  readonly secrets: SecretResolver
}

export type DataPlane = {
  /** Where callers reach it, without `/v1`. */
  readonly origin: string
  readonly opsOrigin: string
  /** Lets calls under way finish, then closes everything; resolves when all is down. */
  stop(): Promise<void>
}

/** @throws Error naming the setting when a port is taken */
export async function startDataPlane(
  config: DataPlaneConfig,
  ports: DataPlanePorts,
  log: Log,
): Promise<DataPlane> {
  const newId = idSource()
  const instanceId = newId('req', ports.clock.nowMs())
  const catalog = await followCatalog({
    ...{ feed: ports.catalogFeed, shelf: ports.catalogShelf, log },
    gatewayId: instanceId,
    onTake: ({ sealedSecrets }) => ports.secrets.take(sealedSecrets),
  })
  const connections = openConnections({ allowLoopback: config.allowLoopbackUpstreams })
  const streams = liveStreams(() => ports.clock.monotonicMs())
  const tokens = new TokenCounter(log)
  const saidRoom = new SaidRoom()
  let stopping = false
  const metrics = dataPlaneMetrics({
    openRequests: () => door.open(),
    openStreams: () => streams.count(),
    catalogVersion: () => catalog.current()?.version ?? 0,
    backlog: () => ports.usage.backlog(),
    tokenCounts: () => tokens.tally,
  })
  const gateway: Gateway = {
    ...ports,
    newId,
    catalog: catalog.current,
    connections,
    streams,
    seenSpend: new SeenSpend(),
    loads: new DeploymentLoads(() => ports.clock.monotonicMs()),
    recentCalls: new RecentCalls(),
    ownUsePace: new OwnUsePace(),
    tokens,
    saidRoom,
    log: callLog(log, metrics.count),
    instanceId,
  }
  const health = healthDoor({
    unreadyBecause: () => {
      if (stopping) return 'shutting down'
      if (ports.usage.full()) return 'the usage journal is full or cannot be written'
      return catalog.current() === null ? 'no catalog yet' : null
    },
  })
  const door = openDoor(gateway, health)
  const ops = openOpsDoor(metrics.text, health)
  const origin = await listen(door.server, config.host, config.port, 'HEADGATE_PORT')
  const opsOrigin = await listen(ops, config.host, config.opsPort, 'HEADGATE_OPS_PORT')
  return {
    origin,
    opsOrigin,
    stop: async () => {
      stopping = true
      const untilMs = performance.now() + config.drainMs
      await drain(door, streams.shutDownAll, config.drainMs)
      // After all turns that were asked for: what was cut has been read, and is asked to be counted.
      await saidRoom.turn()
      await tokens.close(Math.max(untilMs - performance.now(), COUNT_MS_LEAST))
      streams.close()
      await catalog.close()
      connections.close()
      await ports.usage.flush(USAGE_FLUSH_MS)
      ops.closeAllConnections()
      ops.close()
    },
  }
}

/** Stops listening, waits for calls under way, and ends what is left when the time is up. */
async function drain(door: Door, endStreams: () => void, drainMs: number): Promise<void> {
  door.drain()
  const closed = new Promise<void>((resolve) => door.server.close(() => resolve()))
  door.closeIdle()
  const untilMs = performance.now() + drainMs
  while (door.open() > 0 && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, DRAIN_CHECK_MS))
    door.closeIdle()
  }
  endStreams()
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500))])
  door.closeAll()
  await closed
}

async function listen(server: Server, host: string, port: number, setting: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port, setting)))
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${name}:${address.port}`
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number, setting: string): Error {
  if (error.code === 'EADDRINUSE') {
    return new Error(`port ${port} on ${host} is taken: set ${setting} to another one, or stop what uses it`)
  }
  if (error.code === 'EACCES')
    return new Error(`port ${port} may not be used here: set ${setting} to one above 1023`)
  return new Error(`cannot listen on ${host}:${port} (${error.code}): check HEADGATE_HOST and ${setting}`)
}
