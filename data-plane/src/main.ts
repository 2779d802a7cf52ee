/** The data plane as a process of its own: settings and adapters are put together here and nowhere else. */
import { join } from 'node:path'
import { lastGoodCatalog } from '@headgate/adapters/disk/last-good-catalog'
import { openUsageJournal } from '@headgate/adapters/journal/usage-journal'
import { keyDigester } from '@headgate/adapters/keys/digest'
import { redisCallRecords } from '@headgate/adapters/redis/call-records'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { ledgerWithFallback } from '@headgate/adapters/redis/ledger-with-fallback'
import { redisUsageOutlet } from '@headgate/adapters/redis/usage-outlet'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { secretSources } from '@headgate/adapters/secrets/sources'
import { processLog } from '@headgate/adapters/telemetry/log'
import { type DataPlaneSettings, readSettings } from './config.ts'
import { startDataPlane } from './start.ts'

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

async function run(settings: DataPlaneSettings): Promise<void> {
  const log = processLog('data-plane', settings.logLevel)
  for (const name of settings.unknownNames) log('warn', `${name} is no setting of Headgate; it is ignored`)
  const client = await connectRedis(settings.redisUrl, { log })
  const usage = await openUsageJournal(redisUsageOutlet(client), { ...settings.journal, log })
  const keys = redisKeyDirectory(client, { log, clock })
  const shared = redisLedger(client, { log })
  const ledger = ledgerWithFallback({
    shared,
    clock,
    expectedInstances: settings.expectedInstances,
    onChange: (state) => log('warn', `limits are now judged ${state === 'shared' ? 'in Redis' : 'locally'}`),
  })
  const dataPlane = await startDataPlane(
    settings,
    {
      clock,
      catalogFeed: redisCatalogFeed(client, { log }),
      catalogShelf: lastGoodCatalog(join(settings.dataDir, 'catalog.json'), { log }),
      keys,
      digest: keyDigester(settings.keyPepper),
      ledger,
      usage,
      callRecords: redisCallRecords(client),
      secrets: secretResolver({ sources: secretSources(settings.secrets), clock, log }),
    },
    log,
  )
  const stop = async () => {
    await dataPlane.stop()
    keys.close()
    shared.close()
    await usage.close()
    await client.close()
    log('info', 'stopped')
  }
  let stopping = false
  const stopOnce = () => {
    if (stopping) return
    stopping = true
    void stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', stopOnce)
  process.on('SIGINT', stopOnce)
  log('info', 'serving', { gateway: dataPlane.origin, ops: dataPlane.opsOrigin })
}

try {
  await run(readSettings())
} catch (error) {
  process.stderr.write(`headgate data-plane: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
