/**
 * The control plane's settings: the environment read once into one frozen object, all faults told together.
 * The only file of the control plane that reads process.env.
 */
import { unknownSettings } from '@headgate/domain/setting'
import { z } from 'zod'
import type { UsageKeptDays } from './jobs/keep-usage.ts'

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

const days = (byDefault: number) =>
  z.coerce.number('must be a number of days').int().min(1).max(36_500).default(byDefault)

const Environment = z.object({
  HEADGATE_MODE: z
    .enum(['evaluation', 'production'], 'must be evaluation or production')
    .default('production'),
  HEADGATE_HOST: z.string().default('127.0.0.1'),
  HEADGATE_ADMIN_PORT: Port.default(7401),
  HEADGATE_ADMIN_TOKEN: AdminToken,
  HEADGATE_KEY_PEPPER: secret('the pepper proxy keys are digested under'),
  HEADGATE_DRAIN_MS: z.coerce.number('must be a number').int().min(0).max(3_600_000).default(120_000),
  HEADGATE_KEEP_RECORDS_DAYS: days(90),
  HEADGATE_KEEP_MINUTES_DAYS: days(7),
  HEADGATE_KEEP_HOURS_DAYS: days(400),
  HEADGATE_KEEP_DAYS_DAYS: days(1_900),
  HEADGATE_KEEP_AUDIT_DAYS: days(2_555),
  HEADGATE_SEALING_KEY: z.string().optional(),
  HEADGATE_AUDIT_KEY: secret('the key that signs the audit log').optional(),
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
  readonly keptDays: number
}

/** What startControlPlane needs to know. */
export type ControlPlaneConfig = {
  readonly host: string
  /** 0 takes any free port. */
  readonly adminPort: number
  readonly adminToken: string
  readonly databaseUrl: string
  /** True lets plain-HTTP providers on 127.0.0.1 in, for the demo upstream and tests. */
  readonly allowLoopbackUpstreams: boolean
  /** How long requests and jobs under way may take to end. */
  readonly drainMs: number
  readonly usageKeptDays: UsageKeptDays
  readonly audit: AuditConfig
}

export type ControlPlaneSettings = ControlPlaneConfig & {
  readonly keyPepper: string
  /** Null: nothing can be stored under `db://`. */
  readonly sealingKey: string | null
  readonly redisUrl: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
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
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`)
    throw new Error(`these settings are wrong:\n${faults.join('\n')}`)
  }
  const it = parsed.data
  return Object.freeze({
    host: it.HEADGATE_HOST,
    adminPort: it.HEADGATE_ADMIN_PORT,
    adminToken: it.HEADGATE_ADMIN_TOKEN,
    databaseUrl: it.DATABASE_URL,
    allowLoopbackUpstreams: it.HEADGATE_MODE === 'evaluation',
    drainMs: it.HEADGATE_DRAIN_MS,
    usageKeptDays: Object.freeze({
      records: it.HEADGATE_KEEP_RECORDS_DAYS,
      minute: it.HEADGATE_KEEP_MINUTES_DAYS,
      hour: it.HEADGATE_KEEP_HOURS_DAYS,
      day: it.HEADGATE_KEEP_DAYS_DAYS,
    }),
    audit: Object.freeze({
      key: it.HEADGATE_AUDIT_KEY ?? it.HEADGATE_KEY_PEPPER,
      anchorsFile: it.HEADGATE_AUDIT_ANCHORS_FILE ?? null,
      keptDays: it.HEADGATE_KEEP_AUDIT_DAYS,
    }),
    keyPepper: it.HEADGATE_KEY_PEPPER,
    sealingKey: it.HEADGATE_SEALING_KEY ?? null,
    redisUrl: it.REDIS_URL,
    logLevel: it.HEADGATE_LOG_LEVEL,
    unknownNames: unknownSettings(Object.keys(environment)),
  })
}
