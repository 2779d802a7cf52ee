/**
 * Starts a control plane from its settings and ports: migrates, serves the admin API, runs the jobs; and stops
 * it so that nothing committed is left unsaid and nothing taken is lost.
 */
import type { AddressInfo } from 'node:net'
import { HEARTBEAT_MS } from '@headgate/admin-contract/event-stream'
import { idSource } from '@headgate/domain/id'
import type {
  CallQuestions,
  CatalogFeed,
  Clock,
  DigestKey,
  KeyPublisher,
  Ledger,
  Log,
  SecretResolver,
  SecretSealer,
  UsageSink,
  UsageSource,
} from '@headgate/domain/ports'
import type { FastifyInstance } from 'fastify'
import manifest from '../package.json' with { type: 'json' }
import { receiverGuard } from './alerts/receiver-guard.ts'
import { catalogPublisher } from './catalog/publish.ts'
import { keysPublisher } from './catalog/publish-keys.ts'
import type { Home } from './change.ts'
import type { ControlPlaneConfig } from './config.ts'
import { databaseFault } from './database/fault.ts'
import { migrate } from './database/migrate.ts'
import { type OpenDatabase, openDatabase } from './database/open.ts'
import { refuseSharedSessions } from './database/own-sessions.ts'
import { makeTeamScope } from './database/team-scope.ts'
import { directoryOf } from './http/directory.ts'
import { eventStreams } from './http/event-streams.ts'
import { findersOf } from './http/find-actor.ts'
import { watchHealth } from './http/health.ts'
import { adminServer } from './http/server.ts'
import { signInBy } from './http/sign-in.ts'
import { answerCallers } from './jobs/answer-callers.ts'
import { checkUsage } from './jobs/check-usage.ts'
import { deliverAlerts } from './jobs/deliver-alerts.ts'
import { drainUsage } from './jobs/drain-usage.ts'
import { feedSinks } from './jobs/feed-sinks.ts'
import { foretellOverruns } from './jobs/foretell-overruns.ts'
import { forgetReplies } from './jobs/forget-replies.ts'
import { keepAudit } from './jobs/keep-audit.ts'
import { keepUsage } from './jobs/keep-usage.ts'
import { noteEndedOverrides } from './jobs/note-ended-overrides.ts'
import { alertsReader, readsOutbox } from './jobs/read-outbox.ts'
import { rebuildUsage } from './jobs/rebuild-usage.ts'
import { reconcileBudgets } from './jobs/reconcile-budgets.ts'
import { rotateKeys } from './jobs/rotate-keys.ts'
import { runExports } from './jobs/run-exports.ts'
import { pause, startJobs } from './jobs/scheduler.ts'
import { startScheduledExports } from './jobs/start-scheduled-exports.ts'
import { tellRotations } from './jobs/tell-rotations.ts'
import { anchorFile } from './resources/audit-events/anchor-file.ts'
import { beginAuditChain } from './resources/audit-events/append.ts'
import { type AuditKeeper, auditKeeper } from './resources/audit-events/keeper.ts'
import { type Seeded, type SeedPlan, seedEvaluation } from './seed.ts'

const ADMIN_STATEMENT_MS = 5_000
const JOB_STATEMENT_MS = 15_000
const HEAL_EVERY_MS = 2_000
const HEAL_LOCK = 1
/** How long to wait for a Postgres that is still starting. */
const DATABASE_WAIT_MS = 60_000
const DATABASE_RETRY_MS = 500

const streamBounds = {
  ...{ heartbeatMs: HEARTBEAT_MS, slowMs: 15_000, farewellMs: 5_000 },
  ...{ perCallerMax: 5, allMax: 100 },
}

export type ControlPlanePorts = {
  readonly catalogFeed: CatalogFeed
  readonly keyPublisher: KeyPublisher
  readonly usageSource: UsageSource
  /** Where gateways ask what became of calls. */
  readonly callQuestions: CallQuestions
  readonly digestKey: DigestKey
  /** Null where no sealing key is set: nothing can be stored under `db://` then. */
  readonly sealer: SecretSealer | null
  readonly ledger: Pick<Ledger, 'look' | 'restore'>
  readonly secrets: SecretResolver
  /** Where copies of usage go. */
  readonly sinks: readonly UsageSink[]
  readonly clock: Clock
}

export type ControlPlane = {
  /** Where the admin server is reached, without a path. */
  readonly adminUrl: string
  /** True while it serves and the database answers, as far as is known. */
  ready(): boolean
  /** Puts the demo in, for evaluation. Safe to repeat. */
  seed(plan: SeedPlan): Promise<Seeded>
  /** Lets requests and jobs under way end, then closes everything; resolves when all is down. */
  stop(): Promise<void>
}

/** @throws Error in one sentence when the database cannot be had or migrated, or the port is taken */
export async function startControlPlane(
  config: ControlPlaneConfig,
  ports: ControlPlanePorts,
  log: Log,
): Promise<ControlPlane> {
  await migrateWhenThere(config.databaseUrl, log)
  const pool = { url: config.databaseUrl, log }
  const admin = openDatabase({
    ...pool,
    name: 'headgate-admin',
    statementTimeoutMs: ADMIN_STATEMENT_MS,
    connectionsMax: 10,
  })
  const jobs = openDatabase({
    ...pool,
    name: 'headgate-jobs',
    statementTimeoutMs: JOB_STATEMENT_MS,
    connectionsMax: 8 + ports.sinks.length,
  })
  const closeDatabases = () => Promise.all([admin.close(), jobs.close()])
  const stopping = new AbortController()
  try {
    const audit = auditOf(config, ports)
    await beginAuditChain(jobs.db, audit)
    const home = homeOf(config, ports, { ...admin, log, signal: stopping.signal, audit })
    const health = watchHealth(admin.db, ports.clock)
    const streams = eventStreams({ ...streamBounds, stopping: stopping.signal })
    const server = adminServer({ home, health, streams, version: manifest.version, ...doorOf(config, home) })
    await home.catalog.begin()
    await health.check()
    const adminUrl = await listen(server, config)
    const running = startAllJobs({ config, ports, home }, { ...jobs, log, signal: stopping.signal })
    const stop = async () => {
      health.drain()
      stopping.abort()
      const ended = Promise.all([server.close(), running.stop()])
      if (!(await within(ended, config.drainMs))) log('warn', 'stopped before everything under way had ended')
      await within(closeDatabases(), JOB_STATEMENT_MS)
    }
    let stopped: Promise<void> | null = null
    return {
      adminUrl,
      ready: health.ready,
      seed: (plan) => seedEvaluation(home, plan),
      stop: () => {
        stopped ??= stop()
        return stopped
      },
    }
  } catch (fault) {
    await closeDatabases()
    throw fault
  }
}

/** Who is let in, and where browsers sign in. */
function doorOf(config: ControlPlaneConfig, home: Home) {
  const { adminToken, bootstrapCode, host, adminPort } = config
  const adminUrl = config.adminUrl ?? `http://${host}:${adminPort}`
  const asksAgain = home.sealer !== null
  const directories = config.directories.map((it) => directoryOf(it, home.clock.nowMs, asksAgain))
  const finders = findersOf(home, directories, config.sessionRules)
  const signIn = signInBy({ adminToken, adminUrl, finders })
  return { signIn, adminUrl, directories, bootstrapCode }
}

type Surroundings = Pick<OpenDatabase, 'db' | 'scopedTo'> & {
  readonly log: Log
  readonly signal: AbortSignal
}

function auditOf({ audit }: ControlPlaneConfig, { digestKey }: ControlPlanePorts): AuditKeeper {
  const anchors = audit.anchorsFile === null ? null : anchorFile(audit.anchorsFile)
  return auditKeeper(audit.key, { anchors, fingerprint: digestKey })
}

type HomeSurroundings = Surroundings & { readonly audit: AuditKeeper }

function homeOf(config: ControlPlaneConfig, ports: ControlPlanePorts, around: HomeSurroundings): Home {
  return {
    db: around.db,
    scopedTo: around.scopedTo,
    log: around.log,
    clock: ports.clock,
    digestKey: ports.digestKey,
    ledger: ports.ledger,
    audit: around.audit,
    sealer: ports.sealer,
    servingGateways: () => ports.catalogFeed.gateways(),
    newId: idSource(),
    fixedSettings: config.fixedSettings,
    allowLoopbackUpstreams: config.allowLoopbackUpstreams,
    receiverGuard: receiverGuard({
      networks: config.alertNetworks,
      allowLoopback: config.allowLoopbackUpstreams,
    }),
    ...publishers(ports, around),
  }
}

function publishers(ports: ControlPlanePorts, { db, log, signal }: Surroundings) {
  const keys = keysPublisher({ db, log, publisher: ports.keyPublisher })
  const onEmptyFeed = async () => {
    await keys.publishAll(signal)
    // Cut short by a stop, it must not pass for done.
    signal.throwIfAborted()
  }
  const catalog = catalogPublisher({ db, log, clock: ports.clock, feed: ports.catalogFeed, onEmptyFeed })
  return { catalog, keys }
}

type Stage = { readonly config: ControlPlaneConfig; readonly ports: ControlPlanePorts; readonly home: Home }

function startAllJobs({ config, ports, home }: Stage, around: Surroundings) {
  const { db, log } = around
  const { ledger, clock } = ports
  const { fixedSettings } = config
  const { catalog, keys } = publishers(ports, around)
  const heal = {
    name: 'heal-published',
    everyMs: HEAL_EVERY_MS,
    lock: HEAL_LOCK,
    run: async (signal: AbortSignal) => {
      await catalog.heal()
      await keys.publishMissing(signal)
    },
  }
  const usage = [
    drainUsage({ db, log, source: ports.usageSource }),
    answerCallers({ db, questions: ports.callQuestions }),
    keepUsage({ db, log, clock, fixedSettings }),
    checkUsage({ db, log, clock }),
    rebuildUsage({ db, log }),
    startScheduledExports(home),
    runExports({ db, scopedTo: around.scopedTo, log, clock, fixedSettings }),
    ...feedSinks({ db, log, clock, newId: home.newId, lagSecondsMax: config.sinkLagSecondsMax }, ports.sinks),
  ]
  const keyJobs = [
    rotateKeys({ home, db, publisher: ports.keyPublisher }),
    tellRotations({ db, clock }),
    forgetReplies(db),
  ]
  const budgets = [
    reconcileBudgets({ db, log, ledger, clock }),
    foretellOverruns({ db, clock }),
    noteEndedOverrides({ db, clock }),
  ]
  const alerts = [
    readsOutbox(db, alertsReader),
    deliverAlerts({ db, log, clock, secrets: ports.secrets, guard: home.receiverGuard }),
  ]
  const audit = keepAudit({ db, log, clock, keeper: home.audit, fixedSettings })
  const jobs = [heal, ...keyJobs, ...usage, ...budgets, ...alerts, audit]
  // A lock is held as long as its job runs. Taken from the pool that jobs work on, they would wait for each other.
  const locks = openDatabase({
    ...{ url: config.databaseUrl, log, name: 'headgate-locks' },
    statementTimeoutMs: JOB_STATEMENT_MS,
    connectionsMax: jobs.length,
  })
  const running = startJobs(jobs, { locks: locks.db, log })
  const stop = async () => {
    await running.stop().finally(locks.close)
    for (const sink of ports.sinks) sink.close()
  }
  return { stop }
}

/** Processes are started in any order, so a database that does not answer yet is waited for. */
async function migrateWhenThere(url: string, log: Log): Promise<void> {
  const never = new AbortController().signal
  for (let waitedMs = 0; ; waitedMs += DATABASE_RETRY_MS) {
    try {
      await refuseSharedSessions(url)
      await migrate(url, log)
      await makeTeamScope(url)
      return
    } catch (fault) {
      if (databaseFault(fault)?.kind !== 'retry') throw fault
      const reason = fault instanceof Error ? fault.message || fault.name : String(fault)
      if (waitedMs >= DATABASE_WAIT_MS)
        throw new Error(
          `the Postgres of DATABASE_URL cannot be reached (${reason}): start it or correct the address`,
          {
            cause: fault,
          },
        )
      if (waitedMs === 0) log('warn', 'waiting for Postgres', { reason })
      await pause(DATABASE_RETRY_MS, never)
    }
  }
}

async function listen(server: FastifyInstance, config: ControlPlaneConfig): Promise<string> {
  const { host, adminPort: port } = config
  try {
    await server.listen({ host, port })
  } catch (fault) {
    await server.close()
    const code = (fault as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE') throw new Error(`port ${port} is taken: set HEADGATE_ADMIN_PORT to another`)
    if (code === 'EACCES') throw new Error(`port ${port} is not allowed: set HEADGATE_ADMIN_PORT above 1023`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new Error(`${host} is no address of this machine: correct HEADGATE_HOST`)
    throw fault
  }
  const address = server.server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${name}:${address.port}`
}

/** True when it ended in time. */
async function within(ended: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const inTime = await Promise.race([ended.then(() => true), late])
  clearTimeout(timer)
  return inTime
}
