/**
 * What the environment tells the CLI, read once. Everything else it knows comes from flags, from the profile, or from
 * what `npm start` left in the folder.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

export type CliSettings = {
  /** Where the admin API is, as `http://127.0.0.1:7401`; null when not said. */
  readonly server: string | null
  /** Never shown. */
  readonly token: string | null
  readonly profile: string | null
  /** Where profiles are kept. */
  readonly configDir: string
  /** Where tokens of directories are kept. */
  readonly stateDir: string
  /** Where `npm start` leaves its addresses. */
  readonly dataDir: string
  readonly noColour: boolean
  /** For files that are filled in from the environment (`config apply`). */
  readonly environment: Environment
}

/** The only reader of process.env in this package. */
export function readSettings(environment: Environment = process.env): CliSettings {
  const said = (name: string) => environment[name] || null
  return {
    server: said('HEADGATE_URL'),
    token: said('HEADGATE_TOKEN'),
    profile: said('HEADGATE_PROFILE'),
    configDir: join(said('XDG_CONFIG_HOME') ?? join(said('HOME') ?? homedir(), '.config'), 'headgate'),
    stateDir: join(said('XDG_STATE_HOME') ?? join(said('HOME') ?? homedir(), '.local/state'), 'headgate'),
    dataDir: resolve(said('HEADGATE_DATA_DIR') ?? './.headgate'),
    noColour: said('NO_COLOR') !== null || said('TERM') === 'dumb',
    environment,
  }
}
