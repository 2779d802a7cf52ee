/**
 * What large installations cost: compiling and publishing a catalog of a thousand routes beside ten thousand keys,
 * and looking up one key of a million that is not cached. `node --expose-gc bench/catalog.ts [--keys N] [--write]` starts a
 * Postgres and a Redis of its own.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis, type RedisClient } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { startLocalRedis } from '@headgate/adapters/redis/local-server'
import { compileCatalog } from '@headgate/control-plane/catalog/compile'
import { startLocalPostgres } from '@headgate/control-plane/database/local-server'
import { migrate } from '@headgate/control-plane/database/migrate'
import { type Database, openDatabase } from '@headgate/control-plane/database/open'
import { openCatalog } from '@headgate/domain/catalog'
import type { KeyRecord } from '@headgate/domain/proxy-key'
import pg from 'pg'
import { machineLines, readLoadAverage, readMachine } from './machine.ts'
import { timesText } from './percentiles.ts'

const KEPT_REPORTS = fileURLToPath(new URL('../docs/bench.md', import.meta.url))
const ROUNDS = 20
const LOOKUPS = 20_000
/** As many as a directory caches. */
const CACHED = 100_000
const PUT_AT_ONCE = 10_000
const silent = () => undefined

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, write: { type: 'boolean', default: false } },
})

/** A thousand aliases, each at two of a thousand deployments, and ten thousand keys of a hundred apps. */
const FURNISH = `
  insert into teams (id, name, created_at) values ('team_' || lpad('1', 26, '0'), 'bench', now());
  insert into apps (id, team_id, name, created_at) select 'app_' || lpad(n::text, 26, '0'), 'team_' || lpad('1', 26, '0'),
    'app ' || n, now() from generate_series(1, 100) n;
  insert into resources (id, name, api_style, origin, secret_ref, created_at)
    values ('res_' || lpad('1', 26, '0'), 'provider', 'openai', 'https://api.openai.com', 'env://KEY', now());
  insert into deployments (id, name, resource_id, upstream_model, priced_as, created_at)
    select 'dep_' || lpad(n::text, 26, '0'), 'deployment-' || n, 'res_' || lpad('1', 26, '0'), 'gpt-4o', 'gpt-4o', now()
    from generate_series(1, 1000) n;
  insert into model_aliases (id, name, created_at) select 'ali_' || lpad(n::text, 26, '0'), 'alias-' || n, now()
    from generate_series(1, 1000) n;
  insert into routes (id, alias_id, tiers, created_at) select 'rte_' || lpad(n::text, 26, '0'),
    'ali_' || lpad(n::text, 26, '0'), jsonb_build_array(jsonb_build_array(
      jsonb_build_object('deploymentId', 'dep_' || lpad(n::text, 26, '0'), 'weight', 1),
      jsonb_build_object('deploymentId', 'dep_' || lpad((n % 1000 + 1)::text, 26, '0'), 'weight', 3))), now()
    from generate_series(1, 1000) n;
  insert into proxy_keys (id, name, environment, team_id, app_id, state, last_four, created_at)
    select 'key_' || lpad(n::text, 26, '0'), 'key ' || n, 'live', 'team_' || lpad('1', 26, '0'),
      'app_' || lpad((n % 100 + 1)::text, 26, '0'), 'active', 'abcd', now() from generate_series(1, 10000) n;
  analyze`

async function timed<T>(times: number[], work: () => T | Promise<T>): Promise<T> {
  const sinceMs = performance.now()
  const result = await work()
  times.push(performance.now() - sinceMs)
  return result
}

async function catalogRows(db: Database, client: RedisClient): Promise<string[]> {
  const [compiled, published, opened]: number[][] = [[], [], []] as number[][]
  const feed = redisCatalogFeed(client)
  for (let round = 0; round < ROUNDS; round++) {
    const document = await timed(compiled as number[], () =>
      db
        .transaction()
        .execute((it) => compileCatalog(it, { nowMs: Date.now(), author: 'bench', message: 'bench' })),
    )
    await timed(published as number[], () => feed.publish(document))
    await timed(opened as number[], () => openCatalog(document))
  }
  return [
    `| compile 1000 routes, beside 10 000 keys | ${timesText(compiled as number[])} |`,
    `| publish them through Redis | ${timesText(published as number[])} |`,
    `| open them in a gateway | ${timesText(opened as number[])} |`,
  ]
}

/** Records as the control plane publishes them; the number tells them apart. */
function keyRecord(digest: string): KeyRecord {
  return {
    ...{
      id: `key_${digest
        .slice(0, 26)
        .toUpperCase()
        .replace(/[^0-9A-Z]/g, '0')}`,
      name: 'bench',
      digest,
    },
    ...{ teamId: `team_${'1'.padStart(26, '0')}`, appId: `app_${'1'.padStart(26, '0')}`, userId: null },
    ...{ state: 'active', allowedModels: null, requestsPerMinute: null, tokensPerMinute: null },
    ...{ limits: [], budgets: [], expiresAtMs: null, rotation: null },
  } as KeyRecord
}

async function keyRows(client: RedisClient, count: number): Promise<string[]> {
  const writer = redisKeyDirectory(client, { log: silent })
  const kept: string[] = []
  for (let at = 0; at < count; at += PUT_AT_ONCE) {
    const digests = Array.from({ length: PUT_AT_ONCE }, () => randomBytes(32).toString('hex'))
    await writer.put(digests.map(keyRecord))
    kept.push(...digests.slice(0, Math.ceil((PUT_AT_ONCE * 2 * CACHED) / count)))
    process.stderr.write(`${at + PUT_AT_ONCE} keys\r`)
  }
  writer.close()
  const reader = redisKeyDirectory(client, { log: silent })
  const [missed, cached]: number[][] = [[], []]
  for (const digest of kept.slice(0, LOOKUPS)) await timed(missed as number[], () => reader.find(digest))
  for (const digest of kept.slice(0, LOOKUPS)) await timed(cached as number[], () => reader.find(digest))
  reader.close()
  const [before, full] = await cacheBytes(client, kept)
  return [
    `| look up a key of ${count}, not cached | ${timesText(missed as number[])} |`,
    `| look it up again | ${timesText(cached as number[])} |`,
    `| heap that ${CACHED} cached keys take | ${Math.round((full - before) / 1e6)} MB |`,
  ]
}

/** Heap before a directory cached as many keys as it may at most, and after it was asked for twice as many. */
async function cacheBytes(client: RedisClient, digests: readonly string[]): Promise<[number, number]> {
  const reader = redisKeyDirectory(client, { log: silent })
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for (let n = 0; n < digests.length; n += 1000)
    await Promise.all(digests.slice(n, n + 1000).map((digest) => reader.find(digest)))
  globalThis.gc?.()
  const after = process.memoryUsage().heapUsed
  reader.close()
  return [before, after]
}

async function report(folder: string): Promise<string> {
  const machine = readMachine(new Date())
  await using begun = new AsyncDisposableStack()
  const redis = begun.adopt(
    await startLocalRedis({ dataDir: join(folder, 'redis'), persistent: false }),
    (it) => it.stop(),
  )
  const postgres = begun.adopt(await startLocalPostgres({ dataDir: join(folder, 'postgres') }), (it) =>
    it.stop(),
  )
  await migrate(postgres.url, silent)
  const furnishing = new pg.Client(postgres.url)
  await furnishing.connect()
  await furnishing.query(FURNISH)
  await furnishing.end()
  const open = {
    url: postgres.url,
    name: 'bench',
    statementTimeoutMs: 60_000,
    connectionsMax: 2,
    log: silent,
  }
  const { db } = begun.adopt(openDatabase(open), (it) => it.close())
  const client = begun.adopt(await connectRedis(redis.url, { log: silent }), (it) => it.close())
  const rows = [...(await catalogRows(db, client)), ...(await keyRows(client, Number(values.keys)))]
  return [
    `## ${machine.date}, commit ${machine.commit}: large installations`,
    '',
    ...machineLines(machine).map((line) => `- ${line}`),
    `- load average before ${machine.loadAverage}, after ${readLoadAverage()}`,
    '',
    '| what | p50 / p99 / max ms |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n')
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
try {
  const text = await report(folder)
  process.stdout.write(`${text}\n`)
  if (values.write) appendFileSync(KEPT_REPORTS, `\n${text}`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
