/**
 * Both planes in one process, for evaluation and for one machine: brings the stores that are not given, puts
 * everything together, seeds the demo, and says how to make the first call.
 */
import { join } from 'node:path'
import { cosmosSink } from '@headgate/adapters/cosmos/cosmos-sink'
import { lastGoodCatalog } from '@headgate/adapters/disk/last-good-catalog'
import type { Outlet } from '@headgate/adapters/journal/outlet'
import { openUsageJournal } from '@headgate/adapters/journal/usage-journal'
import { keyDigester } from '@headgate/adapters/keys/digest'
import { memoryCallDesk } from '@headgate/adapters/memory/call-desk'
import { memoryCatalogFeed } from '@headgate/adapters/memory/catalog-feed'
import { memoryKeyDirectory } from '@headgate/adapters/memory/key-directory'
import { memoryLedger } from '@headgate/adapters/memory/ledger'
import { memoryUsageStream } from '@headgate/adapters/memory/usage-stream'
import { redisCallQuestions } from '@headgate/adapters/redis/call-questions'
import { redisCallRecords } from '@headgate/adapters/redis/call-records'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { ledgerWithFallback } from '@headgate/adapters/redis/ledger-with-fallback'
import { findRedisServer, startLocalRedis } from '@headgate/adapters/redis/local-server'
import { redisUsageOutlet } from '@headgate/adapters/redis/usage-outlet'
import { redisUsageSource } from '@headgate/adapters/redis/usage-source'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { secretSealer } from '@headgate/adapters/secrets/sealer'
import { secretSources } from '@headgate/adapters/secrets/sources'
import { readSettings as readControlPlane } from '@headgate/control-plane/config'
import { startLocalPostgres } from '@headgate/control-plane/database/local-server'
import { startControlPlane } from '@headgate/control-plane/start'
import { readSettings as readDataPlane } from '@headgate/data-plane/config'
import { startDataPlane } from '@headgate/data-plane/start'
import type {
  CallQuestions,
  CallRecords,
  CatalogFeed,
  KeyDirectory,
  KeyPublisher,
  Ledger,
  Log,
  UsageSource,
  UsageStream,
} from '@headgate/domain/ports'
import { startFakeUpstream } from '@headgate/fake-upstream/server'
import { planesEnvironment, readAll, readEnvironment, type StandaloneSettings } from './config.ts'
import { greeting, writeFirstRun } from './first-run.ts'
import { type GeneratedSecrets, generatedSecrets, randomText } from './generated-secrets.ts'
import { keepRunning } from './keep-running.ts'
import { peopleLog } from './people-log.ts'
import { type Undo, undoLast } from './undo.ts'

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

/** On a machine that does much else, a late answer of Redis is no outage: the first call of a stranger is not refused. */
const PATIENCE_MS = 1_000

/** What the two planes share: over Redis, or within this process. */
type Shared = {
  readonly inMemory: boolean
  readonly feed: CatalogFeed
  readonly keys: KeyDirectory & KeyPublisher
  readonly ledger: Ledger
  readonly outlet: Outlet
  readonly source: UsageSource
  readonly callRecords: CallRecords
  readonly callQuestions: CallQuestions
}

/** What an evaluation need not set. */
function suppliedTo({ mode, dataDir }: StandaloneSettings, secrets: GeneratedSecrets) {
  return {
    ...(mode === 'evaluation' && {
      HEADGATE_KEY_PEPPER: secrets.keyPepper,
      HEADGATE_ADMIN_TOKEN: secrets.adminToken,
      HEADGATE_SEALING_KEY: secrets.sealingKey,
      HEADGATE_AUDIT_KEY: secrets.auditKey,
    }),
    DEMO_UPSTREAM_KEY: secrets.demoUpstreamKey,
    HEADGATE_AUDIT_ANCHORS_FILE: join(dataDir, 'audit-anchors.ndjson'),
  }
}

async function run(settings: StandaloneSettings, undo: Undo): Promise<void> {
  const startedAtMs = performance.now()
  const log = peopleLog(settings.logLevel)
  const generated = await generatedSecrets(settings.dataDir)
  const environment = planesEnvironment(settings, suppliedTo(settings, generated))
  readAll(
    () => readDataPlane(environment),
    () => readControlPlane(environment),
  )
  const startPostgres = () => startLocalPostgres({ dataDir: join(settings.dataDir, 'postgres'), log: say })
  const [databaseUrl, shared] = await Promise.all([
    settings.databaseUrl ?? keepRunning('Postgres', startPostgres, { log, undo }),
    openShared(settings, Number(environment['HEADGATE_EXPECTED_INSTANCES'] ?? 1), { log, undo }),
  ])
  const withStores = { ...environment, DATABASE_URL: databaseUrl }
  const control = readControlPlane(withStores)
  const data = readDataPlane(withStores)
  for (const name of data.unknownNames) log('warn', `${name} is no setting of Headgate; it is ignored`)

  const digest = keyDigester(data.keyPepper)
  const usage = await openUsage(shared.outlet, data, { log, undo })
  const bootstrapCode = settings.mode === 'evaluation' ? randomText() : null
  const { sealingKey } = control
  const secrets = secretResolver({ sources: secretSources({ ...control.secrets, sealingKey }), clock, log })
  const controlPlane = await startControlPlane(
    { ...control, bootstrapCode },
    {
      catalogFeed: shared.feed,
      keyPublisher: shared.keys,
      usageSource: shared.source,
      callQuestions: shared.callQuestions,
      ledger: shared.ledger,
      ...{ digestKey: digest, secrets, clock },
      sinks: control.cosmos === null ? [] : [cosmosSink({ ...control.cosmos, secrets })],
      sealer: sealingKey === null ? null : secretSealer(sealingKey),
    },
    log,
  )
  undo.push(() => controlPlane.stop())
  const demoKey =
    settings.mode === 'evaluation' ? await seedDemo(controlPlane, generated.demoUpstreamKey, undo) : null
  const dataPlane = await startDataPlane(
    data,
    {
      clock,
      catalogFeed: shared.feed,
      catalogShelf: lastGoodCatalog(join(settings.dataDir, 'catalog.json'), { log }),
      keys: shared.keys,
      digest,
      ledger: shared.ledger,
      usage,
      callRecords: shared.callRecords,
      secrets: secretResolver({ sources: secretSources(data.secrets), clock, log }),
    },
    log,
  )
  undo.push(() => dataPlane.stop())
  const firstRun = await writeFirstRun(settings.dataDir, {
    gateway: dataPlane.origin,
    console: `${controlPlane.adminUrl}/`,
    adminApi: `${controlPlane.adminUrl}/api/v1`,
    adminToken: control.adminToken,
    demoKey,
    signInLink: bootstrapCode && `${controlPlane.adminUrl}/sign-in/bootstrap?code=${bootstrapCode}`,
  })
  const more = { dataDir: settings.dataDir, inMemory: shared.inMemory }
  process.stdout.write(greeting(firstRun, { ...more, startedMs: performance.now() - startedAtMs }))
}

/** Closed after the control plane, which commits what is left and so empties it. */
async function openUsage(
  outlet: Outlet,
  settings: ReturnType<typeof readDataPlane>,
  { log, undo }: { log: Log; undo: Undo },
): Promise<UsageStream> {
  const usage = await openUsageJournal(outlet, { ...settings.journal, log })
  undo.push(() => usage.close())
  return usage
}

/** Redis given, else Redis of our own, else this process alone, and then said loudly. */
async function openShared(
  settings: StandaloneSettings,
  expectedInstances: number,
  { log, undo }: { log: Log; undo: Undo },
): Promise<Shared> {
  let url = settings.redisUrl
  if (url === null) {
    const found = findRedisServer()
    if ('reason' in found) {
      say(`Limits and the catalog stay in this process alone: ${found.reason}`)
      return sharedInMemory()
    }
    const start = () => startLocalRedis({ dataDir: join(settings.dataDir, 'redis'), persistent: true })
    url = await keepRunning('Redis', start, { log, undo })
  }
  const client = await connectRedis(url, { log })
  undo.push(() => client.close())
  const keys = redisKeyDirectory(client, { log, clock })
  const ledger = redisLedger(client, {
    log,
    ...(settings.mode === 'evaluation' && { deadlineMs: PATIENCE_MS }),
  })
  undo.push(async () => {
    keys.close()
    ledger.close()
  })
  const onChange = (state: string) =>
    log('warn', `limits are now judged ${state === 'shared' ? 'in Redis' : 'locally'}`)
  return {
    inMemory: false,
    feed: redisCatalogFeed(client, { log }),
    keys,
    ledger: ledgerWithFallback({ shared: ledger, clock, expectedInstances, onChange }),
    outlet: redisUsageOutlet(client),
    source: redisUsageSource(client, { log }),
    callRecords: redisCallRecords(client),
    callQuestions: redisCallQuestions(client),
  }
}

function sharedInMemory(): Shared {
  const usage = memoryUsageStream()
  const desk = memoryCallDesk()
  return {
    inMemory: true,
    feed: memoryCatalogFeed(),
    keys: memoryKeyDirectory(),
    ledger: memoryLedger(clock),
    outlet: usage,
    source: usage,
    callRecords: desk,
    callQuestions: desk,
  }
}

/** The built-in provider and what leads to it; gives the demo key at the first start, null afterwards. */
async function seedDemo(
  controlPlane: Awaited<ReturnType<typeof startControlPlane>>,
  apiKey: string,
  undo: Undo,
): Promise<string | null> {
  const fake = await startFakeUpstream({ apiKey })
  undo.push(() => fake.close())
  return (await controlPlane.seed({ fakeUpstreamOrigin: fake.origin })).secret
}

function say(line: string): void {
  process.stdout.write(`• ${line}\n`)
}

/** Runs until it is asked to stop, and then undoes what the start did; a failed start undoes its half. */
async function main(): Promise<void> {
  const undo: Undo = []
  let stopping = false
  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    const faults = await undoLast(undo)
    for (const fault of faults) process.stderr.write(`headgate: while stopping: ${fault}\n`)
    process.exit(faults.length > 0 ? 1 : code)
  }
  process.on('SIGTERM', () => void stop(0))
  process.on('SIGINT', () => void stop(0))
  try {
    await run(readEnvironment(), undo)
  } catch (fault) {
    if (!stopping)
      process.stderr.write(`headgate: ${fault instanceof Error ? fault.message : String(fault)}\n`)
    await stop(1)
  }
}

await main()
