/**
 * A gateway in this process, whole, on free ports: the data plane, a fake upstream behind it, keys of every
 * kind, and its usage records as they leave. Memory ports by default, real Redis when a test asks for it.
 */
import { keyDigester } from '@headgate/adapters/keys/digest'
import { memoryCallDesk } from '@headgate/adapters/memory/call-desk'
import { memoryCatalogFeed } from '@headgate/adapters/memory/catalog-feed'
import { memoryKeyDirectory } from '@headgate/adapters/memory/key-directory'
import { memoryLedger } from '@headgate/adapters/memory/ledger'
import { redisCallQuestions } from '@headgate/adapters/redis/call-questions'
import { redisCallRecords } from '@headgate/adapters/redis/call-records'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { envSecrets } from '@headgate/adapters/secrets/env'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { sealedSecrets } from '@headgate/adapters/secrets/sealed'
import { secretSealer } from '@headgate/adapters/secrets/sealer'
import { type DataPlane, startDataPlane } from '@headgate/data-plane/start'
import type {
  CallQuestions,
  CallRecords,
  CatalogFeed,
  Clock,
  KeyDirectory,
  KeyPublisher,
  Ledger,
  UsageAccount,
  UsageStream,
} from '@headgate/domain/ports'
import { UsageRecord } from '@headgate/domain/usage-record'
import {
  type FakeUpstream,
  type FakeUpstreamOptions,
  startFakeUpstream,
} from '@headgate/fake-upstream/server'
import { type DemoCatalog, type DemoCatalogOptions, demoCatalog, SECRET_NAME } from './demo-catalog.ts'
import { type DemoKeys, demoKeys } from './demo-keys.ts'

/** What the gateway shows to the provider. Nobody else may ever see it. */
export const PROVIDER_SECRET = 'sk-fake-provider-credential-0123456789'
/** Seals what a test puts into the catalog. */
export const testSealer = secretSealer('a sealing key for tests only; 32 and longer')
const PEPPER = 'a pepper for tests only, longer than thirty-two bytes'

export type GatewayOptions = Pick<
  DemoCatalogOptions,
  'models' | 'priced' | 'routes' | 'quotaTokens' | 'limits' | 'budgets'
> & {
  readonly fake?: FakeUpstreamOptions
  /** Where the catalog says the provider is, when it is not the fake. */
  readonly upstreamOrigin?: string
  readonly redisUrl?: string
  readonly drainMs?: number
  readonly allowLoopbackUpstreams?: boolean
  /** Changes ports after they were made, for tests that put a fault into one. */
  readonly spoil?: (ports: TestPorts) => Partial<TestPorts>
}

export type LogLine = { level: string; message: string; fields: Record<string, unknown> | undefined }

export type TestGateway = {
  readonly origin: string
  readonly opsOrigin: string
  readonly fake: FakeUpstream
  readonly keys: DemoKeys
  readonly logLines: LogLine[]
  /** Usage records so far, in the order they left; each has passed its shape. */
  records(): UsageRecord[]
  /** Resolves with all records once there are at least so many. */
  recordsWhen(count: number): Promise<UsageRecord[]>
  /** Publishes a catalog of a higher version. */
  publish(change?: (catalog: DemoCatalog['document']) => DemoCatalog['document']): Promise<number>
  putKeys: KeyPublisher['put']
  readonly ledger: Ledger
  /** Where this gateway's questions about calls come out; nobody answers them by itself. */
  readonly callQuestions: CallQuestions
  readonly teamId: string
  /** Stops the gateway alone; the fake goes on. */
  stopGateway(): Promise<void>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export type TestPorts = {
  clock: Clock
  catalogFeed: CatalogFeed
  keys: KeyDirectory & KeyPublisher
  ledger: Ledger
  usage: UsageStream
  callRecords: CallRecords
}

/** Starts everything; a test stops it with `stop()` or `await using`. */
export async function startGateway(options: GatewayOptions = {}): Promise<TestGateway> {
  const fake = await startFakeUpstream({ apiKey: PROVIDER_SECRET, ...options.fake })
  const catalog = demoCatalog({ ...options, upstreamOrigin: options.upstreamOrigin ?? fake.origin })
  const digest = keyDigester(PEPPER)
  const keys = demoKeys(catalog, digest, Date.now())
  const logLines: LogLine[] = []
  const log = (level: string, message: string, fields?: Record<string, unknown>) =>
    void logLines.push({ level, message, fields })
  const clock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const opened =
    options.redisUrl === undefined ? memoryPorts(clock) : await redisPorts(clock, options.redisUrl)
  const books = bookkeeping()
  const ports = { ...opened.ports, usage: books.usage }
  const spoilt = { ...ports, ...options.spoil?.(ports) }
  await ports.catalogFeed.publish(catalog.document)
  await ports.keys.put(keys.records)
  // A ledger that just began lets nothing pass a hard budget until it is told what was spent: nothing.
  await ports.ledger.restore(catalog.teamId, [])
  const config = {
    ...{ host: '127.0.0.1', port: 0, opsPort: 0, dataDir: '', expectedInstances: 1 },
    allowLoopbackUpstreams: options.allowLoopbackUpstreams ?? true,
    drainMs: options.drainMs ?? 200,
  }
  const dataPlane: DataPlane = await startDataPlane(
    config,
    {
      ...spoilt,
      catalogShelf: { load: async () => null, save: async () => {} },
      digest,
      secrets: secretResolver({
        sources: { env: envSecrets({ [SECRET_NAME]: PROVIDER_SECRET }), db: sealedSecrets(testSealer) },
        clock,
        log,
      }),
    },
    log,
  )
  let version = catalog.document.version
  let stopping: Promise<void> | null = null
  const stopGateway = () => (stopping ??= dataPlane.stop().then(opened.close))
  const stop = async () => {
    await stopGateway()
    await fake.close()
  }
  return {
    ...{ origin: dataPlane.origin, opsOrigin: dataPlane.opsOrigin, fake, keys, logLines },
    ...{ ledger: ports.ledger, callQuestions: opened.callQuestions, teamId: catalog.teamId },
    ...{
      records: books.records,
      recordsWhen: books.recordsWhen,
      putKeys: (records) => ports.keys.put(records),
      stopGateway,
      stop,
    },
    publish: async (change = (it) => it) => {
      version++
      await ports.catalogFeed.publish({ ...change(catalog.document), version })
      return version
    },
    [Symbol.asyncDispose]: stop,
  }
}

type OpenedPorts = {
  ports: Omit<TestPorts, 'usage'>
  callQuestions: CallQuestions
  close: () => Promise<void>
}

function memoryPorts(clock: Clock): OpenedPorts {
  const desk = memoryCallDesk()
  const ports = { clock, catalogFeed: memoryCatalogFeed(), keys: memoryKeyDirectory() }
  return {
    ports: { ...ports, ledger: memoryLedger(clock), callRecords: desk },
    callQuestions: desk,
    close: async () => {},
  }
}

async function redisPorts(clock: Clock, url: string): Promise<OpenedPorts> {
  const log = () => {}
  const client = await connectRedis(url, { log })
  const keys = redisKeyDirectory(client, { log, clock })
  // Two hundred calls at once on a busy machine are no outage; what an outage is, the ledger's own tests show.
  const ledger = redisLedger(client, { log, deadlineMs: 2_000 })
  const catalogFeed = redisCatalogFeed(client, { log })
  const close = async () => {
    keys.close()
    ledger.close()
    await client.close()
  }
  const callRecords = redisCallRecords(client)
  const ports = { clock, catalogFeed, keys, ledger, callRecords }
  return { ports, callQuestions: redisCallQuestions(client), close }
}

/** Keeps every record as it leaves, and proves its shape. */
function bookkeeping() {
  const kept: UsageRecord[] = []
  const waiting: { count: number; done: () => void }[] = []
  const append = (record: UsageRecord) => {
    kept.push(UsageRecord.parse(record))
    for (const it of waiting) if (kept.length >= it.count) it.done()
  }
  const intend = (): UsageAccount => {
    let closed = false
    const close = (record: UsageRecord) => {
      if (!closed) append(record)
      closed = true
    }
    return { sending: () => {}, secure: () => {}, progress: () => {}, close }
  }
  const backlog = () => ({ bytes: 0, bytesMax: 1, waiting: 0, unconfirmed: 0, lost: 0, damagedBytes: 0 })
  const usage: UsageStream = { full: () => false, intend, append, flush: async () => {}, backlog }
  const records = () => [...kept]
  const recordsWhen = async (count: number) => {
    if (kept.length < count) {
      await new Promise<void>((done, fail) => {
        const timer = setTimeout(
          () => fail(new Error(`${kept.length} usage records after 10 s, ${count} awaited`)),
          10_000,
        )
        waiting.push({ count, done: () => done(clearTimeout(timer)) })
      })
    }
    return records()
  }
  return { usage, records, recordsWhen }
}
