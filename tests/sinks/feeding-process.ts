/** A process that feeds Cosmos DB as a control plane does, with the same scheduler and lock, for a test to kill. */

import { Agent } from 'node:https'
import { cosmosSink } from '../../adapters/src/cosmos/cosmos-sink.ts'
import { envSecrets } from '../../adapters/src/secrets/env.ts'
import { secretResolver } from '../../adapters/src/secrets/resolver.ts'
import { openDatabase } from '../../control-plane/src/database/open.ts'
import { feedSinks } from '../../control-plane/src/jobs/feed-sinks.ts'
import { startJobs } from '../../control-plane/src/jobs/scheduler.ts'
import { idSource } from '../../domain/src/id.ts'
import { selfSigned } from '../servers/self-signed.ts'

const [url = '', endpoint = '', key = ''] = process.argv.slice(2)
const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
const log = () => {}
const pool = { url, statementTimeoutMs: 5_000, log }

const { db } = openDatabase({ ...pool, name: 'test', connectionsMax: 4 })
const locks = openDatabase({ ...pool, name: 'test-locks', connectionsMax: 1 })
const sink = cosmosSink({
  ...{ endpoint, database: 'headgate', container: 'usage', from: null, ttlDays: null },
  ...{ agent: new Agent({ ca: selfSigned.certificate }), keyRef: 'env://COSMOS_KEY' as never },
  secrets: secretResolver({ sources: { env: envSecrets({ COSMOS_KEY: key }) }, clock }),
})
startJobs(feedSinks({ db, log, clock, newId: idSource(), lagSecondsMax: 900 }, [sink]), {
  locks: locks.db,
  log,
})
