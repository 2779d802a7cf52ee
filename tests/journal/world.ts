/**
 * What a gateway process under test stands in: a provider that keeps books of its own, Redis, Postgres, and the
 * job that drains usage records into it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keyDigester } from '@headgate/adapters/keys/digest'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { redisUsageSource } from '@headgate/adapters/redis/usage-source'
import { openDatabase } from '@headgate/control-plane/database/open'
import { recordOf } from '@headgate/control-plane/database/usage-row'
import { drainUsage } from '@headgate/control-plane/jobs/drain-usage'
import type { UsageRecord } from '@headgate/domain/usage-record'
import { startFakeUpstream } from '@headgate/fake-upstream/server'
import { migratedDatabase } from '../admin/harness.ts'
import { demoCatalog, SECRET_NAME } from '../gateway/demo-catalog.ts'
import { demoKeys } from '../gateway/demo-keys.ts'
import { PROVIDER_SECRET } from '../gateway/harness.ts'
import { bareEnvironment } from '../servers/environment.ts'
import { freshRedisUrl } from '../servers/fresh-redis.ts'
import type { GatewayPlan } from './gateway-process.ts'

const PROCESS = fileURLToPath(new URL('./gateway-process.ts', import.meta.url))
const MAIN = fileURLToPath(new URL('../../data-plane/src/main.ts', import.meta.url))
const PEPPER = 'a pepper for tests only, longer than thirty-two bytes'

export type World = Awaited<ReturnType<typeof openWorld>>

/** A gateway process. */
export type Running = {
  readonly child: ChildProcess
  readonly origin: string
  readonly ops: string
  /** What it wrote to both streams. */
  output(): string
  /** Ends it and gives its exit code when it is gone. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
}

export type WorldOptions = {
  /** A migrated database; without it, one of its own on the shared server. */
  readonly databaseUrl?: string
  /** How much faster the provider is than its names say; 50. */
  readonly speed?: number
}

export async function openWorld(models: readonly string[], { databaseUrl, speed = 50 }: WorldOptions = {}) {
  const redisUrl = await freshRedisUrl()
  const client = await connectRedis(redisUrl, { log: () => {}, connectWaitMs: 5_000 })
  const fake = await startFakeUpstream({ apiKey: PROVIDER_SECRET, recordMax: 1_000_000, speed })
  const catalog = demoCatalog({ upstreamOrigin: fake.origin, models })
  const keys = demoKeys(catalog, keyDigester(PEPPER), Date.now())
  await redisCatalogFeed(client, { log: () => {} }).publish(catalog.document)
  const clock = { monotonicMs: () => performance.now() }
  const directory = redisKeyDirectory(client, { log: () => {}, clock })
  await directory.put(keys.records)
  const url = databaseUrl ?? (await migratedDatabase()).url
  const database = openDatabase({
    ...{ url, name: 'test', statementTimeoutMs: 15_000, connectionsMax: 4, log: () => {} },
  })
  const stopDraining = new AbortController()
  const source = redisUsageSource(client, { log: () => {}, redeliverAfterMs: 1_000 })
  const plan = { db: database.db, source, log: () => {} }
  const draining = drainUsage(plan).run(stopDraining.signal)
  const folders: string[] = []
  return {
    ...{ redisUrl, fake, keys, client },
    /** A folder for a journal. */
    newFolder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'headgate-journal-'))
      folders.push(folder)
      return folder
    },
    /** All that is committed. */
    records: async (): Promise<UsageRecord[]> =>
      (await database.db.selectFrom('usageRecords').selectAll().execute()).map(recordOf),
    /** How many those are. */
    count: async (): Promise<number> => {
      const { count } = database.db.fn
      const row = await database.db
        .selectFrom('usageRecords')
        .select(count<string>('requestId').as('calls'))
        .executeTakeFirstOrThrow()
      return Number(row.calls)
    },
    [Symbol.asyncDispose]: async () => {
      stopDraining.abort()
      await draining
      directory.close()
      await database.close()
      await client.close()
      await fake.close()
      for (const folder of folders) await rm(folder, { recursive: true, force: true })
    },
  }
}

type Plan = Pick<GatewayPlan, 'folder' | 'weakness'> & Partial<GatewayPlan>

/** Starts a gateway that may have a weakness. @param fileKb what no file of it may grow beyond */
export function startWeak(world: World, plan: Plan, fileKb?: number): Promise<Running> {
  const whole: GatewayPlan = {
    ...{ redisUrl: world.redisUrl, pepper: PEPPER, secrets: { [SECRET_NAME]: PROVIDER_SECRET } },
    ...plan,
  }
  const command = [process.execPath, PROCESS, JSON.stringify(whole)]
  if (fileKb === undefined) return start(command, {})
  // What a shell ignores its children ignore: the write then fails, as on a full disk.
  const limited = `trap '' XFSZ; ulimit -S -f ${fileKb * 2}; exec "$@"`
  return start(['/bin/sh', '-c', limited, 'sh', ...command], {})
}

/** Starts the data plane as it is shipped. */
export function startMain(world: World, folder: string): Promise<Running> {
  return start([process.execPath, MAIN], {
    ...{
      HEADGATE_MODE: 'evaluation',
      HEADGATE_PORT: '0',
      HEADGATE_OPS_PORT: '0',
      HEADGATE_DRAIN_MS: '10000',
    },
    ...{ HEADGATE_DATA_DIR: folder, HEADGATE_KEY_PEPPER: PEPPER, REDIS_URL: world.redisUrl },
    ...{ [SECRET_NAME]: PROVIDER_SECRET },
  })
}

async function start([command = '', ...args]: readonly string[], more: object): Promise<Running> {
  const env = { ...bareEnvironment(), ...more }
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const origins = new Promise<{ gateway: string; ops: string }>((done, fail) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes) => {
        text += bytes
        const line = text.split('\n').find((it) => it.includes('"gateway":') && it.endsWith('}'))
        if (line !== undefined) done(JSON.parse(line))
      })
    void ended.then((code) => fail(new Error(`ended with ${code}:\n${text}`)))
  })
  const { gateway, ops } = await origins
  return {
    ...{ child, origin: gateway, ops },
    output: () => text,
    end: (signal) => {
      child.kill(signal)
      return ended
    },
  }
}

/** The journal's files in a folder. */
export async function segmentsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('usage-'))
}
