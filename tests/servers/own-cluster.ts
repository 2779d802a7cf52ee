/**
 * A real Redis cluster of a test's own: three nodes without replicas, the slots spread over all three. Nodes can
 * be frozen and killed, and slots moved, which is what a cluster does that one server cannot.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { keySlot } from '@headgate/adapters/redis/key-slot'
import { findRedisServer } from '@headgate/adapters/redis/local-server'
import { createClient } from 'redis'
import { makeRunFolder } from './run-folder.ts'

const SLOTS = 16_384
const NODES = 3
const READY_TIMEOUT_MS = 30_000

type Admin = { sendCommand(args: string[]): Promise<unknown>; destroy(): void }

export type ClusterNode = {
  readonly port: number
  readonly process: ChildProcess
  /** The name the cluster knows it by. */
  readonly id: string
  send(...args: string[]): Promise<unknown>
}

export type OwnCluster = {
  /** `redis+cluster://`, with all nodes in it. */
  readonly url: string
  readonly nodes: readonly ClusterNode[]
  /** The slot of a key, and the node it lies on as long as no slot was moved. */
  placeOf(key: string): { slot: number; node: ClusterNode }
  /** Ends all nodes and removes their folders. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts the nodes and makes them one cluster that answers for every slot. */
export async function ownCluster(): Promise<OwnCluster> {
  const folder = await makeRunFolder()
  const admins: Admin[] = []
  const children: ChildProcess[] = []
  const dispose = async () => {
    for (const admin of admins) admin.destroy()
    for (const child of children) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const nodes: ClusterNode[] = []
    for (let i = 0; i < NODES; i++) {
      const [port, busPort] = [await freePort(), await freePort()]
      const child = await startNode(join(folder, `node${i}`), port, busPort)
      children.push(child)
      const admin = await connected(port)
      admins.push(admin)
      const first = Math.ceil((SLOTS * i) / NODES)
      const last = Math.ceil((SLOTS * (i + 1)) / NODES) - 1
      await admin.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', String(first), String(last)])
      if (i > 0) {
        await admin.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1)])
        const [met] = nodes
        if (met !== undefined) await met.send('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort))
      }
      const id = String(await admin.sendCommand(['CLUSTER', 'MYID']))
      nodes.push({ port, process: child, id, send: (...args) => admin.sendCommand(args) })
    }
    await untilWhole(nodes)
    return {
      url: `redis+cluster://${nodes.map((it) => `127.0.0.1:${it.port}`).join(',')}`,
      nodes,
      placeOf: (key) => placeOf(nodes, key),
      [Symbol.asyncDispose]: dispose,
    }
  } catch (fault) {
    await dispose()
    throw fault
  }
}

async function startNode(folder: string, port: number, busPort: number): Promise<ChildProcess> {
  const found = findRedisServer()
  if ('reason' in found) throw new Error(found.reason)
  // Named so that a later run finds and ends what a killed one left behind.
  const workingDir = join(folder, 'data')
  await mkdir(workingDir, { recursive: true })
  const config = [
    ...[`port ${port}`, `cluster-port ${busPort}`, 'bind 127.0.0.1', 'save ""', 'appendonly no'],
    ...['cluster-enabled yes', 'cluster-require-full-coverage no', 'cluster-node-timeout 2000', ''],
  ]
  const child = spawn(found.command, ['-'], { cwd: workingDir, stdio: ['pipe', 'ignore', 'inherit'] })
  child.stdin?.end(config.join('\n'))
  return child
}

async function connected(port: number): Promise<Admin> {
  const strategy = (retries: number) => (retries > READY_TIMEOUT_MS / 20 ? new Error('no node came up') : 20)
  const client = createClient({
    RESP: 2,
    socket: { host: '127.0.0.1', port, reconnectStrategy: strategy },
    maintNotifications: 'disabled',
  })
  client.on('error', () => {})
  await client.connect()
  return { sendCommand: (args) => client.sendCommand(args), destroy: () => client.destroy() }
}

/** Until every node says that all slots are served and every node is known to it. */
async function untilWhole(nodes: readonly ClusterNode[]): Promise<void> {
  const untilMs = performance.now() + READY_TIMEOUT_MS
  for (const node of nodes) {
    for (;;) {
      const info = String(await node.send('CLUSTER', 'INFO'))
      const whole = [`cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${NODES}`, 'cluster_state:ok']
      if (whole.every((line) => info.includes(line))) break
      if (performance.now() > untilMs) throw new Error(`the cluster did not become whole: ${info}`)
      await sleep(20)
    }
  }
}

function placeOf(nodes: readonly ClusterNode[], key: string) {
  const slot = keySlot(key)
  return { slot, node: nodes[Math.floor((slot * NODES) / SLOTS)] as ClusterNode }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address !== null ? address.port : 0
}
