/**
 * The gateway under test: one data plane process on the gateway core, whole pipeline, on a real Redis of its own
 * on the load core. It serves from a catalog and a key published as the control plane would publish them.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { keyDigester } from '@headgate/adapters/keys/digest'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis, type RedisClient } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { startLocalRedis } from '@headgate/adapters/redis/local-server'
import { type Candidate, CHAT_PATH } from './candidate.ts'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { type GatewaySetup, gatewaySetup, UPSTREAM_KEY_VARIABLE } from './gateway-setup.ts'
import { GATEWAY_CORE } from './neighbours.ts'
import { startDrain } from './stand-in-drain.ts'

/**
 * As the documents advise to start a data plane: room for young objects of many calls at once, so that few live
 * long enough to be copied. About a tenth of the CPU of a JSON call.
 */
export const NODE_FLAGS = ['--max-semi-space-size=64', '--min-semi-space-size=32']
const MAIN = fileURLToPath(new URL('../data-plane/src/main.ts', import.meta.url))
const START_TIMEOUT_MS = 20_000
const silent = () => undefined

export const headgate: Candidate = {
  name: 'headgate',
  async start(upstreamPort, folder) {
    await using begun = new AsyncDisposableStack()
    const redis = await startLocalRedis({ dataDir: join(folder, 'redis'), persistent: false })
    begun.defer(() => redis.stop())
    const client = await connectRedis(redis.url, { log: silent, connectWaitMs: START_TIMEOUT_MS })
    begun.defer(() => client.close())
    const drain = startDrain(client)
    begun.defer(() => drain.stop())
    const pepper = randomBytes(32).toString('hex')
    const setup = gatewaySetup(upstreamPort, keyDigester(pepper), Date.now())
    await publish(client, setup)
    const port = await freePort()
    const child = await startChild({
      name: 'headgate',
      core: GATEWAY_CORE,
      command: process.execPath,
      args: [...NODE_FLAGS, MAIN],
      env: {
        // Only evaluation lets a provider on plain-HTTP loopback through; nothing else of the plane differs.
        HEADGATE_MODE: 'evaluation',
        HEADGATE_HOST: '127.0.0.1',
        HEADGATE_PORT: String(port),
        HEADGATE_OPS_PORT: String(await freePort()),
        HEADGATE_DATA_DIR: join(folder, 'data'),
        HEADGATE_KEY_PEPPER: pepper,
        HEADGATE_DRAIN_MS: '1000',
        REDIS_URL: redis.url,
        [UPSTREAM_KEY_VARIABLE]: 'sk-bench',
      },
    })
    begun.defer(() => child.stop())
    await untilReady(child, port)
    const keep = begun.move()
    return {
      host: '127.0.0.1',
      port,
      path: { json: CHAT_PATH, stream: CHAT_PATH },
      headers: { authorization: `Bearer ${setup.key}` },
      pid: child.pid,
      about: `headgate data plane, one process, ${await redisVersion(client)}`,
      stop: () => keep.disposeAsync(),
    }
  },
}

async function publish(client: RedisClient, setup: GatewaySetup): Promise<void> {
  await redisCatalogFeed(client).publish(setup.catalog)
  const keys = redisKeyDirectory(client, { log: silent })
  await keys.put([setup.record])
  keys.close()
}

/** @throws Error with what the gateway said last when it does not become ready */
async function untilReady(child: Child, port: number): Promise<void> {
  let ended = false
  void child.ended.then(() => {
    ended = true
  })
  const until = performance.now() + START_TIMEOUT_MS
  while (!ended && performance.now() < until) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null)
    if (answer?.ok) return
    await sleep(50)
  }
  throw new Error(`headgate did not become ready: ${child.lastWords()}`)
}

async function redisVersion(client: RedisClient): Promise<string> {
  const info = String(await client.send('any', ['INFO', 'server']))
  return `Redis ${/redis_version:(\S+)/.exec(info)?.[1] ?? 'of unknown version'}`
}
