/** A process that makes the deliveries that are due, once, so that a test can kill it between sending and marking. */
import { envSecrets } from '../../adapters/src/secrets/env.ts'
import { secretResolver } from '../../adapters/src/secrets/resolver.ts'
import { receiverGuard } from '../../control-plane/src/alerts/receiver-guard.ts'
import { openDatabase } from '../../control-plane/src/database/open.ts'
import { deliverDue } from '../../control-plane/src/jobs/deliver-alerts.ts'

const [url = '', secret = ''] = process.argv.slice(2)
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
const log = () => {}

const { db, close } = openDatabase({ url, name: 'test', statementTimeoutMs: 5_000, connectionsMax: 2, log })
await deliverDue({
  ...{ db, log, clock, guard: receiverGuard({ networks: [], allowLoopback: true }) },
  secrets: secretResolver({ sources: { env: envSecrets({ ALERT_SECRET: secret }) }, clock }),
})
await close()
