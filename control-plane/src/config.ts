/**
 * The control plane's settings: the environment read once into one frozen object, all faults told together.
 * The only file of the control plane that reads process.env.
 */
import { resolve } from 'node:path'
import {
  organisationSetting,
  organisationSettingNames,
  type SomeSettings,
} from '@headgate/domain/organisation-setting'
import { KeyVaultNames } from '@headgate/domain/secret-ref'
import type { SessionRules } from '@headgate/domain/session'
import { unknownSettings } from '@headgate/domain/setting'
import { z } from 'zod'
import { isNetwork } from './alerts/receiver-guard.ts'
import { type CosmosSettings, cosmosFaults, cosmosIn, cosmosShape } from './cosmos-settings.ts'
import {
  type DirectoryConfig,
  DirectorySettings,
  directoriesIn,
  directoryFaults,
} from './directory-settings.ts'

/** Fewer different characters than this is a pattern, not a secret. */
const DISTINCT_MIN = 8

const Port = z.coerce.number('must be a port number').int().min(0).max(65_535)

const secret = (purpose: string) =>
  z
    .string({ error: `is required: ${purpose}; make one with "openssl rand -hex 32"` })
    .min(32, {
      error: 'is too short: it needs at least 32 characters; make one with "openssl rand -hex 32"',
      abort: true,
    })
    .refine((text) => new Set(text).size >= DISTINCT_MIN, {
      error: 'is too easily guessed; make one with "openssl rand -hex 32"',
    })

const address = (purpose: string, schemes: RegExp, form: string) =>
  z
    .string({ error: `is required: ${purpose}, as ${form}` })
    .refine((text) => schemes.test(text), { error: `must look like ${form}` })

/** Refused whole: a token that fits but for a blank at its end would lock everybody out. */
const AdminToken = secret('the bearer token of the admin API')
  .max(512, 'is too long: at most 512 characters')
  .regex(/^[\x21-\x7e]*$/, 'must be printable characters without blanks')

const Days = z.coerce.number('must be a number of days').int().min(1).max(36_500).optional()

const minutes = (byDefault: number, max: number) =>
  z.coerce.number('must be a number of minutes').int().min(1).max(max).default(byDefault)

const Networks = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((it) => it.trim())
      .filter((it) => it !== ''),
  )
  .refine((networks) => networks.every(isNetwork), {
    error: 'must be networks with commas between them, as 10.20.0.0/16,fd12:3456::/48',
  })

const Environment = z.object({
  ...DirectorySettings.shape,
  HEADGATE_SIGN_IN_CHECK_MINUTES: minutes(5, 60),
  HEADGATE_SIGN_IN_STALE_MINUTES: minutes(60, 480),
  HEADGATE_MODE: z
    .enum(['evaluation', 'production'], 'must be evaluation or production')
    .default('production'),
  HEADGATE_HOST: z.string().default('127.0.0.1'),
  HEADGATE_ADMIN_PORT: Port.default(7401),
  HEADGATE_ADMIN_TOKEN: AdminToken,
  HEADGATE_KEY_PEPPER: secret('the pepper proxy keys are digested under'),
  HEADGATE_DRAIN_MS: z.coerce.number('must be a number').int().min(0).max(3_600_000).default(120_000),
  HEADGATE_ALERT_NETWORKS: Networks,
  HEADGATE_KEEP_RECORDS_DAYS: Days,
  HEADGATE_KEEP_MINUTES_DAYS: Days,
  HEADGATE_KEEP_HOURS_DAYS: Days,
  HEADGATE_KEEP_DAYS_DAYS: Days,
  HEADGATE_KEEP_AUDIT_DAYS: Days,
  HEADGATE_SEALING_KEY: z.string().optional(),
  HEADGATE_SECRETS_DIR: z.string().optional(),
  HEADGATE_KEY_VAULTS: KeyVaultNames.optional(),
  HEADGATE_SINK_LAG_SECONDS: z.coerce
    .number('must be a number of seconds')
    .int()
    .min(10)
    .max(86_400)
    .default(900),
  ...cosmosShape,
  HEADGATE_AUDIT_KEY: secret('the key that signs the audit log'),
  HEADGATE_AUDIT_ANCHORS_FILE: z.string().optional(),
  HEADGATE_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error')
    .default('info'),
  DATABASE_URL: address(
    'the Postgres that holds everything',
    /^postgres(ql)?:\/\/\S+$/,
    'postgres://user:password@host:5432/database',
  ),
  REDIS_URL: address(
    'the Redis that gateways share',
    /^(redis|rediss|redis\+cluster|redis\+sentinel):\/\/\S+$/,
    'redis://host:6379',
  ),
})

export type AuditConfig = {
  /** What signatures are made under. */
  readonly key: string
  /** Outside the database; null for none. */
  readonly anchorsFile: string | null
}

/** What startControlPlane needs to know. */
export type ControlPlaneConfig = {
  readonly host: string
  /** 0 takes any free port. */
  readonly adminPort: number
  readonly adminToken: string
  /** Where browsers reach the admin server, without a path; null is where it listens. */
  readonly adminUrl: string | null
  /** None when nobody signs in with one. */
  readonly directories: readonly DirectoryConfig[]
  readonly sessionRules: SessionRules
  /** What the sign-in link of evaluation holds; null when there is none. */
  readonly bootstrapCode: string | null
  readonly databaseUrl: string
  /** True lets plain-HTTP providers on 127.0.0.1 in, for the demo upstream and tests. */
  readonly allowLoopbackUpstreams: boolean
  /** How long requests and jobs under way may take to end. */
  readonly drainMs: number
  /** What is fixed here and cannot be chosen through the admin API. */
  readonly fixedSettings: SomeSettings
  /** Private networks that alerts may be sent to. */
  readonly alertNetworks: readonly string[]
  readonly audit: AuditConfig
  /** From where on a sink is behind by too much. */
  readonly sinkLagSecondsMax: number
}

export type ControlPlaneSettings = ControlPlaneConfig & {
  readonly keyPepper: string
  /** Null: nothing can be stored under `db://`. */
  readonly sealingKey: string | null
  /** Null: no such sink. */
  readonly cosmos: CosmosSettings | null
  readonly redisUrl: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Where references are read: `env://`, `file://`, and `kv://` of these vaults. */
  readonly secrets: {
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly folder: string | null
    readonly vaults: readonly string[]
  }
  /** Names that look like settings and are none, to be told at start. */
  readonly unknownNames: readonly string[]
}

/**
 * Reads the settings. A name set to nothing counts as not set. Values are never repeated in faults.
 * @throws Error with one line per fault: the name, what is wrong, what to write
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ControlPlaneSettings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(given)
  const issues = parsed.success ? [] : parsed.error.issues
  const faults = issues.map((issue) => `  ${String(issue.path[0])} ${issue.message}`)
  faults.push(...directoryFaults(given, secret('the client secret of the app registration')))
  faults.push(...cosmosFaults(given))
  if (!parsed.success || faults.length > 0) throw new Error(`these settings are wrong:\n${faults.join('\n')}`)
  const it = parsed.data
  return Object.freeze({
    host: it.HEADGATE_HOST,
    adminPort: it.HEADGATE_ADMIN_PORT,
    adminToken: it.HEADGATE_ADMIN_TOKEN,
    adminUrl: it.HEADGATE_ADMIN_URL ?? null,
    directories: directoriesIn(it, given, it.HEADGATE_MODE === 'evaluation'),
    sessionRules: Object.freeze({
      checkMs: it.HEADGATE_SIGN_IN_CHECK_MINUTES * 60_000,
      staleMs: it.HEADGATE_SIGN_IN_STALE_MINUTES * 60_000,
    }),
    bootstrapCode: null,
    databaseUrl: it.DATABASE_URL,
    allowLoopbackUpstreams: it.HEADGATE_MODE === 'evaluation',
    drainMs: it.HEADGATE_DRAIN_MS,
    fixedSettings: fixedIn(it),
    alertNetworks: Object.freeze(it.HEADGATE_ALERT_NETWORKS),
    audit: Object.freeze({
      key: it.HEADGATE_AUDIT_KEY,
      anchorsFile: it.HEADGATE_AUDIT_ANCHORS_FILE ?? null,
    }),
    sinkLagSecondsMax: it.HEADGATE_SINK_LAG_SECONDS,
    cosmos: cosmosIn(it),
    keyPepper: it.HEADGATE_KEY_PEPPER,
    sealingKey: it.HEADGATE_SEALING_KEY ?? null,
    redisUrl: it.REDIS_URL,
    logLevel: it.HEADGATE_LOG_LEVEL,
    secrets: {
      environment,
      folder: it.HEADGATE_SECRETS_DIR === undefined ? null : resolve(it.HEADGATE_SECRETS_DIR),
      vaults: it.HEADGATE_KEY_VAULTS?.split(',') ?? [],
    },
    unknownNames: unknownSettings(Object.keys(environment)),
  })
}

/** The settings of the organisation that the environment says. */
function fixedIn(it: z.infer<typeof Environment>): SomeSettings {
  const named: Readonly<Record<string, unknown>> = it
  const fixed = organisationSettingNames.flatMap((name) => {
    const value = named[organisationSetting(name)?.fixedBy ?? '']
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.freeze(Object.fromEntries(fixed))
}
