/** The control plane as a process of its own: settings and adapters are put together here and nowhere else. */
import { cosmosSink } from '@headgate/adapters/cosmos/cosmos-sink'
import { keyDigester } from '@headgate/adapters/keys/digest'
import { redisCallQuestions } from '@headgate/adapters/redis/call-questions'
import { redisCatalogFeed } from '@headgate/adapters/redis/catalog-feed'
import { connectRedis } from '@headgate/adapters/redis/client'
import { redisKeyDirectory } from '@headgate/adapters/redis/key-directory'
import { redisLedger } from '@headgate/adapters/redis/ledger'
import { redisUsageSource } from '@headgate/adapters/redis/usage-source'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { secretSealer } from '@headgate/adapters/secrets/sealer'
import { secretSources } from '@headgate/adapters/secrets/sources'
import { processLog } from '@headgate/adapters/telemetry/log'
import { type ControlPlaneSettings, readSettings } from './config.ts'
import { startControlPlane } from './start.ts'
import { verifyExport } from './verify-export.ts'

const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

async function run(settings: ControlPlaneSettings): Promise<void> {
  const log = processLog('control-plane', settings.logLevel)
  for (const name of settings.unknownNames) log('warn', `${name} is no setting of Headgate; it is ignored`)
  const client = await connectRedis(settings.redisUrl, { log })
  const keys = redisKeyDirectory(client, { log, clock })
  const ledger = redisLedger(client, { log })
  const { sealingKey } = settings
  const secrets = secretResolver({ sources: secretSources({ ...settings.secrets, sealingKey }), clock, log })
  const ports = {
    catalogFeed: redisCatalogFeed(client, { log }),
    keyPublisher: keys,
    usageSource: redisUsageSource(client, { log }),
    callQuestions: redisCallQuestions(client),
    digestKey: keyDigester(settings.keyPepper),
    sealer: sealingKey === null ? null : secretSealer(sealingKey),
    ledger,
    secrets,
    sinks: settings.cosmos === null ? [] : [cosmosSink({ ...settings.cosmos, secrets })],
    clock,
  }
  const controlPlane = await startControlPlane(settings, ports, log)
  log('info', 'serving', { admin: controlPlane.adminUrl })
  const stop = async () => {
    await controlPlane.stop()
    keys.close()
    ledger.close()
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
}

/** With arguments it is a command and needs no settings; without, the control plane. */
async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === undefined) return run(readSettings())
  if (command !== 'verify-audit')
    throw new Error(`there is no command ${command}: the one there is is verify-audit`)
  const { text, isWhole } = await verifyExport(rest)
  process.stdout.write(text)
  process.exitCode = isWhole ? 0 : 1
}

try {
  await main(process.argv.slice(2))
} catch (fault) {
  process.stderr.write(`headgate control-plane: ${fault instanceof Error ? fault.message : String(fault)}\n`)
  process.exit(1)
}
