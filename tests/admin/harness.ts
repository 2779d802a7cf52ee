/**
 * A control plane in this process, whole, on a free port and a database of its own, with what it publishes and
 * drains in memory, so that tests see both what callers are told and what is stored.
 */
import { keyDigester } from '@headgate/adapters/keys/digest'
import { memoryCallDesk } from '@headgate/adapters/memory/call-desk'
import { memoryCatalogFeed } from '@headgate/adapters/memory/catalog-feed'
import { memoryKeyDirectory } from '@headgate/adapters/memory/key-directory'
import { type MemoryLedger, memoryLedger } from '@headgate/adapters/memory/ledger'
import { memoryUsageStream } from '@headgate/adapters/memory/usage-stream'
import { envSecrets } from '@headgate/adapters/secrets/env'
import { secretResolver } from '@headgate/adapters/secrets/resolver'
import { sealedSecrets } from '@headgate/adapters/secrets/sealed'
import { secretSealer } from '@headgate/adapters/secrets/sealer'
import { type AdminClient, adminClient } from '@headgate/admin-contract/client'
import type { ControlPlaneConfig } from '@headgate/control-plane/config'
import { migrate } from '@headgate/control-plane/database/migrate'
import { type Database, openDatabase } from '@headgate/control-plane/database/open'
import { makeTeamScope } from '@headgate/control-plane/database/team-scope'
import type { AnchorFile } from '@headgate/control-plane/resources/audit-events/anchor-file'
import { type AuditKeeper, auditKeeper } from '@headgate/control-plane/resources/audit-events/keeper'
import { type ControlPlane, type ControlPlanePorts, startControlPlane } from '@headgate/control-plane/start'
import { freshDatabase } from '../servers/fresh-database.ts'

export const ADMIN_TOKEN = 'an-admin-token-for-tests-0123456789'
export const SEALING_KEY = 'a sealing key for tests only; 32 and longer'
const AUDIT_KEY = 'a key for the audit log of tests, 32 and longer'
const PEPPER = 'a pepper for tests only, longer than thirty-two bytes'

export const digestKey = keyDigester(PEPPER)
export const systemClock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

/** As the plane under test has it, for what a test writes or verifies itself. */
export function testKeeper(anchors: AnchorFile | null = null): AuditKeeper {
  return auditKeeper(AUDIT_KEY, { anchors, fingerprint: digestKey })
}

export type LogLine = { level: string; message: string; fields: Record<string, unknown> | undefined }

type MemoryPorts = ControlPlanePorts & {
  readonly keyPublisher: ReturnType<typeof memoryKeyDirectory>
  readonly usageSource: ReturnType<typeof memoryUsageStream>
  readonly ledger: MemoryLedger
}

export type TestPlane = {
  readonly plane: ControlPlane
  readonly client: AdminClient
  readonly ports: MemoryPorts
  /** Beside the plane's own, for looking at what is stored. */
  readonly db: Database
  readonly databaseUrl: string
  readonly logLines: LogLine[]
  /** One request as anybody may send it; `body` goes out as it is. */
  ask(method: string, path: string, more?: Sent): Promise<Answer>
  stop(): Promise<void>
}

export type Sent = {
  readonly token?: string | null
  readonly body?: unknown
  /** `*` for methods that need it, unless said otherwise; null sends none. */
  readonly ifMatch?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

export type Answer = {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: whatever came over the wire, looked into by tests
  readonly json: any
  readonly text: string
}

export type TestPlaneOptions = {
  readonly allowLoopbackUpstreams?: boolean
  /** What `env://` references name. */
  readonly environment?: Readonly<Record<string, string>>
  /** An existing database instead of a fresh one. */
  readonly databaseUrl?: string
  readonly anchorsFile?: string
  readonly ports?: Partial<MemoryPorts>
  readonly config?: Partial<ControlPlaneConfig>
}

/** A database with all migrations applied. */
export function migratedDatabase(): Promise<{ url: string }> {
  return freshDatabase({
    name: 'migrated',
    run: async (url) => {
      await migrate(url, () => {})
      await makeTeamScope(url)
    },
  })
}

/** Starts it. Stop it at the end. */
export async function startTestPlane(options: TestPlaneOptions = {}): Promise<TestPlane> {
  const databaseUrl = options.databaseUrl ?? (await migratedDatabase()).url
  const logLines: LogLine[] = []
  const log = (level: string, message: string, fields?: Record<string, unknown>) => {
    logLines.push({ level, message, fields })
  }
  const ports = { ...memoryPorts(options.environment), ...options.ports }
  const config = {
    host: '127.0.0.1',
    adminPort: 0,
    adminToken: ADMIN_TOKEN,
    adminUrl: null,
    directories: [],
    sessionRules: { checkMs: 300_000, staleMs: 3_600_000 },
    bootstrapCode: null,
    databaseUrl,
    allowLoopbackUpstreams: options.allowLoopbackUpstreams ?? false,
    drainMs: 10_000,
    alertNetworks: [],
    sinkLagSecondsMax: 900,
    // Tests store calls of fixed days, which must not grow old.
    fixedSettings: {
      ...{ keepRecordsDays: 36_500, keepMinutesDays: 36_500, keepHoursDays: 36_500 },
      ...{ keepDaysDays: 36_500, keepAuditDays: 36_500 },
    },
    audit: { key: AUDIT_KEY, anchorsFile: options.anchorsFile ?? null },
    ...options.config,
  }
  const plane = await startControlPlane(config, ports, log)
  const watching = openDatabase({
    url: databaseUrl,
    name: 'test',
    statementTimeoutMs: 10_000,
    connectionsMax: 2,
    log,
  })
  return {
    plane,
    client: adminClient({ origin: plane.adminUrl, token: ADMIN_TOKEN }),
    ports,
    db: watching.db,
    databaseUrl,
    logLines,
    ask: (method, path, more = {}) => ask(plane.adminUrl + path, method, more),
    stop: async () => {
      await plane.stop()
      await watching.close()
    },
  }
}

export function memoryPorts(environment: Readonly<Record<string, string>> = {}): MemoryPorts {
  return {
    catalogFeed: memoryCatalogFeed(),
    keyPublisher: memoryKeyDirectory(),
    usageSource: memoryUsageStream(),
    callQuestions: memoryCallDesk(),
    digestKey,
    sealer: secretSealer(SEALING_KEY),
    ledger: memoryLedger(systemClock),
    secrets: secretResolver({
      sources: { env: envSecrets(environment), db: sealedSecrets(secretSealer(SEALING_KEY)) },
      clock: systemClock,
    }),
    sinks: [],
    clock: systemClock,
  }
}

async function ask(
  url: string,
  method: string,
  { token = ADMIN_TOKEN, body, ifMatch = '*', headers: more = {} }: Sent,
): Promise<Answer> {
  const headers = new Headers(more)
  if (ifMatch !== null && /^(PUT|PATCH|DELETE)$/.test(method)) headers.set('if-match', ifMatch)
  if (token !== null) headers.set('authorization', `Bearer ${token}`)
  const request: RequestInit = { method, headers }
  if (body !== undefined) {
    headers.set('content-type', 'application/json')
    request.body = typeof body === 'string' ? body : JSON.stringify(body)
  }
  const answer = await fetch(url, request)
  const isEndless = answer.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (isEndless) await answer.body?.cancel()
  const text = isEndless ? '' : await answer.text()
  const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '')
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : null }
}

/** Waits until it is so; fails loudly when that takes longer than the patience. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 10_000,
): Promise<void> {
  const endMs = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`waited ${patienceMs} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
