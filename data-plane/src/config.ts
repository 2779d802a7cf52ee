/**
 * The data plane's settings: the environment read once into one frozen object, all faults told together.
 * The only file of the data plane that reads process.env.
 */
import { join, resolve } from 'node:path'
import { KeyVaultNames } from '@headgate/domain/secret-ref'
import { unknownSettings } from '@headgate/domain/setting'
import { z } from 'zod'

const Port = z.coerce.number().int().min(0).max(65_535)

const Environment = z.object({
  HEADGATE_MODE: z.enum(['evaluation', 'production']).default('production'),
  HEADGATE_HOST: z.string().min(1).default('127.0.0.1'),
  HEADGATE_PORT: Port.default(7400),
  HEADGATE_OPS_PORT: Port.default(7402),
  HEADGATE_DATA_DIR: z.string().min(1).default('./.headgate'),
  HEADGATE_JOURNAL_DIR: z.string().min(1).optional(),
  HEADGATE_JOURNAL_BYTES_MAX: z.coerce.number().int().min(1_048_576).max(1e12).default(2_147_483_648),
  HEADGATE_JOURNAL_SYNC_MS: z.coerce.number().int().min(0).max(60_000).default(10),
  HEADGATE_JOURNAL_WHEN_FULL: z.enum(['refuse', 'serve']).default('refuse'),
  HEADGATE_KEY_PEPPER: z.string({ error: 'is required: the pepper keys were digested under' }).min(32),
  HEADGATE_SEALING_KEY: z.string().optional(),
  HEADGATE_SECRETS_DIR: z.string().optional(),
  HEADGATE_KEY_VAULTS: KeyVaultNames.optional(),
  HEADGATE_EXPECTED_INSTANCES: z.coerce.number().int().min(1).max(10_000).default(1),
  HEADGATE_DRAIN_MS: z.coerce.number().int().min(0).max(3_600_000).default(120_000),
  HEADGATE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  REDIS_URL: z
    .string({ error: 'is required: the Redis that limits and the catalog are shared through' })
    .min(1),
})

export type DataPlaneConfig = {
  readonly host: string
  readonly port: number
  readonly opsPort: number
  readonly dataDir: string
  /** True lets plain-HTTP providers on 127.0.0.1 through, for the demo upstream and tests. */
  readonly allowLoopbackUpstreams: boolean
  readonly expectedInstances: number
  readonly drainMs: number
}

export type JournalSettings = {
  readonly folder: string
  readonly bytesMax: number
  readonly syncMs: number
  readonly whenFull: 'refuse' | 'serve'
}

export type DataPlaneSettings = DataPlaneConfig & {
  readonly keyPepper: string
  readonly journal: JournalSettings
  readonly redisUrl: string
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** Names that look like settings and are none, to be told at start. */
  readonly unknownNames: readonly string[]
  readonly secrets: {
    /** The environment itself, for `env://` references only. */
    readonly environment: Readonly<Record<string, string | undefined>>
    readonly folder: string | null
    readonly vaults: readonly string[]
    readonly sealingKey: string | null
  }
}

/** @throws Error with one line per fault: the name, what is wrong, what to write */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): DataPlaneSettings {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  ${issue.path.join('.')} ${issue.message}`)
    throw new Error(`these settings are wrong:\n${faults.join('\n')}`)
  }
  const it = parsed.data
  return Object.freeze({
    host: it.HEADGATE_HOST,
    port: it.HEADGATE_PORT,
    opsPort: it.HEADGATE_OPS_PORT,
    dataDir: resolve(it.HEADGATE_DATA_DIR),
    allowLoopbackUpstreams: it.HEADGATE_MODE === 'evaluation',
    expectedInstances: it.HEADGATE_EXPECTED_INSTANCES,
    drainMs: it.HEADGATE_DRAIN_MS,
    keyPepper: it.HEADGATE_KEY_PEPPER,
    journal: {
      folder: resolve(it.HEADGATE_JOURNAL_DIR ?? join(it.HEADGATE_DATA_DIR, 'journal')),
      bytesMax: it.HEADGATE_JOURNAL_BYTES_MAX,
      syncMs: it.HEADGATE_JOURNAL_SYNC_MS,
      whenFull: it.HEADGATE_JOURNAL_WHEN_FULL,
    },
    redisUrl: it.REDIS_URL,
    logLevel: it.HEADGATE_LOG_LEVEL,
    unknownNames: unknownSettings(Object.keys(environment)),
    secrets: {
      environment,
      folder: it.HEADGATE_SECRETS_DIR === undefined ? null : resolve(it.HEADGATE_SECRETS_DIR),
      vaults: it.HEADGATE_KEY_VAULTS?.split(',') ?? [],
      sealingKey: it.HEADGATE_SEALING_KEY ?? null,
    },
  })
}
