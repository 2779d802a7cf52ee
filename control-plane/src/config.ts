/**
 * The control plane's settings: the environment read once into one frozen object, all faults told together.
 * The only file of the control plane that reads process.env.
 */
import { unknownSettings } from '@headgate/domain/setting'
import { z } from 'zod'
import { isNetwork } from './alerts/receiver-guard.ts'
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

const Origin = z
  .string()
  .refine((text) => URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text), {
    error: 'must be an origin without a path, as https://admin.example.com',
  })

/** Whoever speaks for many tenants would let any of them in. */
const Issuer = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:\/\/[^?#]+$/.test(text), {
    error: 'must be the address of an OpenID provider, as https://login.microsoftonline.com/<tenant id>/v2.0',
  })
  .refine((text) => !/\/(common|organizations|consumers)(\/|$)/.test(text), {
    error: 'must name one tenant: write its id in the place of common, organizations or consumers',
  })

const DIRECTORY_NAMES = [
  'HEADGATE_OIDC_ISSUER',
  'HEADGATE_OIDC_CLIENT_ID',
  'HEADGATE_OIDC_CLIENT_SECRET',
  'HEADGATE_OIDC_AUDIENCE',
  'HEADGATE_ADMIN_URL',
] as const

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
  HEADGATE_ADMIN_URL: Origin.optional(),
  HEADGATE_OIDC_ISSUER: Issuer.optional(),
  HEADGATE_OIDC_CLIENT_ID: z.string().trim().min(1, 'must not be blank').optional(),
  HEADGATE_OIDC_CLIENT_SECRET: z
    .string()
    .regex(/^env:\/\/[A-Z][A-Z0-9_]*$/, 'must say where the secret is, as env://NAME')
    .optional(),
  HEADGATE_OIDC_AUDIENCE: z
    .string()
    .regex(
      /^[\x21-\x2b\x2d-\x7e]+(,[\x21-\x2b\x2d-\x7e]+)*$/,
      'must be one audience or several, with commas between',
    )
    .optional(),
  HEADGATE_MODE: z
    .enum(['evaluation', 'production'], 'must be evaluation or production')
    .default('production'),
  HEADGATE_HOST: z.string().default('127.0.0.1'),
  HEADGATE_ADMIN_PORT: Port.default(7401),
  HEADGATE_ADMIN_TOKEN: AdminToken,
  HEADGATE_KEY_PEPPER: secret('the pepper proxy keys are digested under'),
  HEADGATE_DRAIN_MS: z.coerce.number('must be a number').int().min(0).max(3_600_000).default(120_000),
  HEADGATE_ALERT_NETWORKS: Networks,
  HEADGATE_KEEP_RECORDS_DAYS: days(90),
  HEADGATE_KEEP_MINUTES_DAYS: days(7),
  HEADGATE_KEEP_HOURS_DAYS: days(400),
  HEADGATE_KEEP_DAYS_DAYS: days(1_900),
  HEADGATE_KEEP_AUDIT_DAYS: days(2_555),
  HEADGATE_SEALING_KEY: z.string().optional(),
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

/** The OpenID provider that people sign in with, and how we are known to it. */
export type DirectoryConfig = {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Of access tokens; one of them must be named. */
  readonly audiences: readonly string[]
  readonly adminUrl: string
  /** True lets a provider on plain HTTP in, for evaluation and tests. */
  readonly allowHttp: boolean
}

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
  /** Where browsers reach the admin server, without a path; null is where it listens. */
  readonly adminUrl: string | null
  /** Null when nobody signs in with a directory. */
  readonly directory: DirectoryConfig | null
  /** What the sign-in link of evaluation holds; null when there is none. */
  readonly bootstrapCode: string | null
  readonly databaseUrl: string
  /** True lets plain-HTTP providers on 127.0.0.1 in, for the demo upstream and tests. */
  readonly allowLoopbackUpstreams: boolean
  /** How long requests and jobs under way may take to end. */
  readonly drainMs: number
  readonly usageKeptDays: UsageKeptDays
  /** Private networks that alerts may be sent to. */
  readonly alertNetworks: readonly string[]
  readonly audit: AuditConfig
}

export type ControlPlaneSettings = ControlPlaneConfig & {
  readonly keyPepper: string
  /** Null: nothing can be stored under `db://`. */
  readonly sealingKey: string | null
  readonly redisUrl: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** The environment itself, for `env://` references only. */
  readonly environment: Readonly<Record<string, string | undefined>>
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
  const faults = issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`)
  faults.push(...directoryFaults(given))
  if (!parsed.success || faults.length > 0) throw new Error(`these settings are wrong:\n${faults.join('\n')}`)
  const it = parsed.data
  return Object.freeze({
    host: it.HEADGATE_HOST,
    adminPort: it.HEADGATE_ADMIN_PORT,
    adminToken: it.HEADGATE_ADMIN_TOKEN,
    adminUrl: it.HEADGATE_ADMIN_URL ?? null,
    directory: directoryIn(it, given),
    bootstrapCode: null,
    databaseUrl: it.DATABASE_URL,
    allowLoopbackUpstreams: it.HEADGATE_MODE === 'evaluation',
    drainMs: it.HEADGATE_DRAIN_MS,
    usageKeptDays: Object.freeze({
      records: it.HEADGATE_KEEP_RECORDS_DAYS,
      minute: it.HEADGATE_KEEP_MINUTES_DAYS,
      hour: it.HEADGATE_KEEP_HOURS_DAYS,
      day: it.HEADGATE_KEEP_DAYS_DAYS,
    }),
    alertNetworks: Object.freeze(it.HEADGATE_ALERT_NETWORKS),
    audit: Object.freeze({
      key: it.HEADGATE_AUDIT_KEY,
      anchorsFile: it.HEADGATE_AUDIT_ANCHORS_FILE ?? null,
      keptDays: it.HEADGATE_KEEP_AUDIT_DAYS,
    }),
    keyPepper: it.HEADGATE_KEY_PEPPER,
    sealingKey: it.HEADGATE_SEALING_KEY ?? null,
    redisUrl: it.REDIS_URL,
    logLevel: it.HEADGATE_LOG_LEVEL,
    environment,
    unknownNames: unknownSettings(Object.keys(environment)),
  })
}

type Given = Readonly<Record<string, string | undefined>>

/** Half a configuration is none that anybody meant: a missing audience would let tokens of others in. */
function directoryFaults(given: Given): string[] {
  const set = DIRECTORY_NAMES.filter((name) => given[name] !== undefined)
  // The address alone is good for links.
  if (set.length === 0 || (set.length === 1 && set[0] === 'HEADGATE_ADMIN_URL')) return []
  const missing = DIRECTORY_NAMES.filter((name) => given[name] === undefined)
  const faults = missing.map(
    (name) =>
      `  ${name} is required: people can sign in only when all of ${DIRECTORY_NAMES.join(', ')} are set`,
  )
  const isProduction = given['HEADGATE_MODE'] !== 'evaluation'
  for (const name of ['HEADGATE_OIDC_ISSUER', 'HEADGATE_ADMIN_URL'])
    if (isProduction && given[name]?.startsWith('http:'))
      faults.push(`  ${name} must begin with https:// in production`)
  const reference = given['HEADGATE_OIDC_CLIENT_SECRET']
  if (reference?.startsWith('env://')) {
    const checked = secret('the client secret of the app registration').safeParse(given[reference.slice(6)])
    if (!checked.success) faults.push(`  ${reference.slice(6)} ${checked.error.issues[0]?.message}`)
  }
  return faults
}

function directoryIn(it: z.infer<typeof Environment>, given: Given): DirectoryConfig | null {
  const { HEADGATE_OIDC_ISSUER: issuer, HEADGATE_OIDC_CLIENT_ID: clientId, HEADGATE_ADMIN_URL: adminUrl } = it
  const clientSecret = given[it.HEADGATE_OIDC_CLIENT_SECRET?.slice(6) ?? '']
  const audiences = it.HEADGATE_OIDC_AUDIENCE?.split(',')
  if (!issuer || !clientId || !adminUrl || !clientSecret || !audiences) return null
  return Object.freeze({
    ...{ issuer, clientId, clientSecret, audiences, adminUrl },
    allowHttp: it.HEADGATE_MODE === 'evaluation',
  })
}
