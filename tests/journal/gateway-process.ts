/**
 * A data plane as a process of its own, put together as its `main.ts` does, that can be told to die at a certain
 * point of a call. Says in one line where it serves.
 */
import { writeSync } from 'node:fs'
import { redisCallRecords } from '@headgate/adapters/redis/call-records'
import { openUsageJournal } from '../../adapters/src/journal/usage-journal.ts'
import { keyDigester } from '../../adapters/src/keys/digest.ts'
import { redisCatalogFeed } from '../../adapters/src/redis/catalog-feed.ts'
import { connectRedis } from '../../adapters/src/redis/client.ts'
import { redisKeyDirectory } from '../../adapters/src/redis/key-directory.ts'
import { redisLedger } from '../../adapters/src/redis/ledger.ts'
import { redisUsageOutlet } from '../../adapters/src/redis/usage-outlet.ts'
import { envSecrets } from '../../adapters/src/secrets/env.ts'
import { secretResolver } from '../../adapters/src/secrets/resolver.ts'
import { startDataPlane } from '../../data-plane/src/start.ts'
import type { Ledger, UsageAccount, UsageStream } from '../../domain/src/ports.ts'

/** Where the process dies by itself, or what it leaves undone until it is killed. */
export type Weakness =
  | 'none'
  | 'dies-before-reserve'
  | 'dies-reserved'
  | 'dies-with-intent-written'
  | 'never-closes'
  | 'never-syncs'
  | 'never-settles'

export type GatewayPlan = {
  readonly redisUrl: string
  readonly folder: string
  readonly pepper: string
  readonly secrets: Readonly<Record<string, string>>
  readonly weakness: Weakness
  readonly bytesMax?: number
  readonly whenFull?: 'refuse' | 'serve'
}

const NEVER_MS = 60_000

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('dead')
}

function weakLedger(ledger: Ledger, weakness: Weakness): Ledger {
  return {
    reserve: async (ask) => {
      if (weakness === 'dies-before-reserve') die()
      const verdict = await ledger.reserve(ask)
      return weakness === 'dies-reserved' ? die() : verdict
    },
    settle: (ask, used) => weakness === 'never-settles' || ledger.settle(ask, used),
    progress: (ask, tokens, nanos) => ledger.progress(ask, tokens, nanos),
    look: (pools, teamIds) => ledger.look(pools, teamIds),
    restore: (teamId, additions) => ledger.restore(teamId, additions),
  }
}

function weakUsage(stream: UsageStream, weakness: Weakness): UsageStream {
  const weakAccount = (account: UsageAccount): UsageAccount => ({
    sending: () => {
      if (weakness === 'dies-with-intent-written') account.secure()
      if (weakness === 'dies-with-intent-written') die()
      account.sending()
    },
    secure: () => account.secure(),
    progress: (progress) => account.progress(progress),
    close: (record) => {
      if (weakness !== 'never-closes') account.close(record)
    },
  })
  return {
    full: () => stream.full(),
    intend: (intent) => weakAccount(stream.intend(intent)),
    append: (record) => stream.append(record),
    flush: (timeoutMs) => stream.flush(timeoutMs),
    backlog: () => stream.backlog(),
  }
}

async function run(plan: GatewayPlan): Promise<void> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
  const log = (level: string, message: string, fields?: object) =>
    void writeSync(2, `${JSON.stringify({ level, message, ...fields })}\n`)
  const { folder, weakness, bytesMax = 2 ** 28, whenFull = 'refuse' } = plan
  const client = await connectRedis(plan.redisUrl, { log, connectWaitMs: 10_000 })
  const syncMs = weakness === 'never-syncs' ? NEVER_MS : 10
  const usage = await openUsageJournal(redisUsageOutlet(client), { folder, log, bytesMax, syncMs, whenFull })
  const dataPlane = await startDataPlane(
    {
      ...{ host: '127.0.0.1', port: 0, opsPort: 0, dataDir: '', expectedInstances: 1 },
      ...{ allowLoopbackUpstreams: true, drainMs: 10_000 },
    },
    {
      clock,
      catalogFeed: redisCatalogFeed(client, { log }),
      catalogShelf: { load: async () => null, save: async () => {} },
      keys: redisKeyDirectory(client, { log, clock }),
      digest: keyDigester(plan.pepper),
      ledger: weakLedger(redisLedger(client, { log, deadlineMs: 10_000 }), weakness),
      usage: weakUsage(usage, weakness),
      callRecords: redisCallRecords(client),
      secrets: secretResolver({ sources: { env: envSecrets(plan.secrets) }, clock }),
    },
    log,
  )
  writeSync(1, `${JSON.stringify({ gateway: dataPlane.origin, ops: dataPlane.opsOrigin })}\n`)
  process.on('SIGTERM', async () => {
    await dataPlane.stop()
    await usage.close()
    await client.close()
    process.exit(0)
  })
}

await run(JSON.parse(process.argv[2] ?? ''))
