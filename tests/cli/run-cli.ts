/** The programme as a process of its own, the way people and scripts run it: what it wrote, and how it ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bareEnvironment } from '../servers/environment.ts'

const MAIN = resolve(import.meta.dirname, '../../cli/src/main.ts')

export type CliEnd = { readonly code: number | null; readonly out: string; readonly err: string }

export type CliOptions = {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
}

export type CliHome = {
  readonly path: string
  /** Runs it with a home of its own, so that nothing of this machine is found. */
  cli(args: readonly string[], options?: CliOptions): Promise<CliEnd>
  start(args: readonly string[], options?: CliOptions): { child: ChildProcess; end: Promise<CliEnd> }
  remove(): Promise<void>
}

/** @param environment what every run of it is told */
export async function cliHome(environment: Readonly<Record<string, string>> = {}): Promise<CliHome> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-cli-'))
  const start = (args: readonly string[], options: CliOptions = {}) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd: options.cwd ?? path,
      env: {
        ...bareEnvironment(),
        XDG_CONFIG_HOME: join(path, 'config'),
        XDG_STATE_HOME: join(path, 'state'),
        ...environment,
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    const said = { out: '', err: '' }
    child.stdout.on('data', (bytes) => {
      said.out += bytes
    })
    child.stderr.on('data', (bytes) => {
      said.err += bytes
    })
    const end = new Promise<CliEnd>((done) => child.once('close', (code) => done({ code, ...said })))
    return { child, end }
  }
  return {
    path,
    cli: (args, options) => start(args, options).end,
    start,
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
