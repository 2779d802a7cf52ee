/**
 * The settings of both planes in one process. What an evaluation leaves out is supplied (stores, generated
 * secrets); what is given is checked by the planes' own schemas, and all faults are told together.
 */
import { resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export type StandaloneSettings = {
  readonly mode: 'evaluation' | 'production'
  readonly dataDir: string
  /** Null: run one of our own on the data folder. */
  readonly databaseUrl: string | null
  /** Null: run one of our own, or keep counters in memory where there is none. */
  readonly redisUrl: string | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  readonly environment: Environment
}

/** What a plane needs to judge the rest of the settings before the stores run; never connected to. */
const NOT_YET = {
  DATABASE_URL: 'postgres://not-yet:not-yet@127.0.0.1:5432/not-yet',
  REDIS_URL: 'redis://127.0.0.1:6379',
}

/** The only reader of process.env in this process. */
export function readEnvironment(environment: Environment = process.env): StandaloneSettings {
  const mode = environment['HEADGATE_MODE'] === 'production' ? 'production' : 'evaluation'
  const level = environment['HEADGATE_LOG_LEVEL']
  return {
    mode,
    dataDir: resolve(environment['HEADGATE_DATA_DIR'] || './.headgate'),
    databaseUrl: environment['DATABASE_URL'] || null,
    redisUrl: environment['REDIS_URL'] || null,
    logLevel: level === 'debug' || level === 'info' || level === 'error' ? level : 'warn',
    environment: { ...environment, HEADGATE_MODE: environment['HEADGATE_MODE'] || 'evaluation' },
  }
}

/** The environment the planes read: what was given, over what is supplied. */
export function planesEnvironment(settings: StandaloneSettings, supplied: Environment): Environment {
  const given = Object.fromEntries(Object.entries(settings.environment).filter(([, value]) => value))
  return { ...NOT_YET, ...supplied, ...given }
}

/**
 * Reads the settings of each plane.
 * @throws Error that tells the faults of all of them, each line once
 */
export function readAll<T extends readonly (() => unknown)[]>(
  ...readers: T
): { [K in keyof T]: ReturnType<T[K]> } {
  const faults = new Set<string>()
  const values = readers.map((read) => {
    try {
      return read()
    } catch (error) {
      for (const line of (error as Error).message.split('\n')) faults.add(line)
      return null
    }
  })
  if (faults.size > 0) throw new Error([...faults].join('\n'))
  return values as { [K in keyof T]: ReturnType<T[K]> }
}
