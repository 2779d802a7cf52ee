/**
 * A real Postgres beside us, for evaluation and tests, where no DATABASE_URL is given: loopback only, no Unix
 * socket, a random port and password. Under root it runs as `nobody`; it enters its folder before the rights
 * are dropped and calls it /proc/self/cwd, so the folders above may be closed to everybody else.
 */
import { spawn } from 'node:child_process'
import { chown, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { claimFolder, stopLeftOvers } from '@headgate/adapters/process/claim-folder'
import {
  dropsRights,
  type LocalProcess,
  NOBODY,
  startLocalProcess,
} from '@headgate/adapters/process/local-process'
import {
  freePort,
  newPassword,
  readServerState,
  type ServerState,
  writeServerState,
} from '@headgate/adapters/process/server-state'
import { type PostgresPrograms, preparePostgres } from './local-binaries.ts'

const SUPERUSER = 'headgate'
const HERE = '/proc/self/cwd'
/** Long, because after a crash the server first replays its log. */
const READY_TIMEOUT_MS = 120_000
const NEVER_SAFE = ['fsync', 'synchronous_commit', 'full_page_writes'] as const

export type LocalPostgresPlan = {
  /** Its own folder; made if need be. */
  readonly dataDir: string
  /** False gives up crash safety for speed. Tests only. */
  readonly durable?: boolean
  /** Hears in one line each what takes time. */
  readonly log?: (line: string) => void
}

export type LocalPostgres = LocalProcess & {
  /** Superuser, database `postgres`. */
  readonly url: string
}

type Place = {
  readonly folder: string
  readonly workingDir: string
  readonly programs: PostgresPrograms
  readonly durable: boolean
  readonly log: (line: string) => void
}

/**
 * Starts the server on the folder, made at the first start (about a second). A server left over from a killed
 * process on the same folder is ended first.
 * @throws Error when the programs are missing, the folder is in use or damaged, or the server does not start.
 */
export async function startLocalPostgres(plan: LocalPostgresPlan): Promise<LocalPostgres> {
  const folder = resolve(plan.dataDir)
  const release = await claimFolder(folder)
  try {
    const running = await run(folder, plan)
    return { ...running, stop: () => running.stop().finally(release) }
  } catch (fault) {
    await release()
    throw fault
  }
}

async function run(folder: string, plan: LocalPostgresPlan): Promise<LocalPostgres> {
  const log = plan.log ?? (() => {})
  const workingDir = join(folder, 'data')
  const programs = await preparePostgres(join(folder, 'programs'), log)
  if ((await stopLeftOvers(workingDir, ['postgres'], 'SIGINT')) > 0)
    log('Ended a Postgres left over from before')
  const durable = plan.durable ?? true
  const state = await stateOf({ folder, workingDir, programs, durable, log })
  const server = await startLocalProcess({
    name: 'Postgres',
    command: programs.postgres,
    args: argumentsOf(state.port, durable),
    env: { LC_ALL: 'C', TZ: 'UTC' },
    workingDir,
    logPath: join(folder, 'server.log'),
    // Fast shutdown, then immediate shutdown; SIGTERM would wait for every client to leave.
    stopSignals: ['SIGINT', 'SIGQUIT'],
    isReady: () => saysReady(workingDir),
    readyTimeoutMs: READY_TIMEOUT_MS,
  })
  return { ...server, url: `postgres://${SUPERUSER}:${state.password}@127.0.0.1:${state.port}/postgres` }
}

/** The password and a free port, after making the cluster at the first start. */
async function stateOf(place: Place): Promise<ServerState> {
  const { folder, workingDir, log } = place
  const before = await readServerState(folder)
  const exists = (await stat(workingDir).catch(() => null)) !== null
  if (exists && before === null)
    throw new Error(
      `${folder} holds a database but not its password (server.json): restore it, or remove the folder`,
    )
  const state = { port: await freePort(before?.port), password: before?.password ?? newPassword() }
  await writeServerState(folder, state)
  if (!exists) {
    log(`Making a Postgres database in ${folder}`)
    await makeCluster(place, state.password)
  }
  // No one else is here (the folder is claimed), so a note left by a killed server only misleads.
  await rm(join(workingDir, 'postmaster.pid'), { force: true })
  // Making it takes a second or two, in which somebody may have taken the port.
  const port = await freePort(state.port)
  if (port !== state.port) await writeServerState(folder, { ...state, port })
  return { ...state, port }
}

/** Made aside and renamed when whole, so a start that is killed half-way leaves nothing that looks like data. */
async function makeCluster(place: Place, password: string): Promise<void> {
  const { folder, workingDir, programs, durable } = place
  const draft = join(folder, 'data.new')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  if (dropsRights()) await chown(draft, NOBODY, NOBODY)
  const passwordPath = join(folder, 'password.new')
  await rm(passwordPath, { force: true })
  const passwordFile = await open(passwordPath, 'wx+', 0o600)
  try {
    if (dropsRights()) await passwordFile.chown(NOBODY, NOBODY)
    await passwordFile.writeFile(`${password}\n`)
    await runInitdb([programs.initdb, ...(durable ? [] : ['--no-sync'])], draft, passwordFile.fd)
  } finally {
    await passwordFile.close()
    await rm(passwordPath, { force: true })
  }
  await rename(draft, workingDir)
}

/** The password comes as standard input, a file opened by us: `nobody` need not be able to walk to it. */
function runInitdb(
  command: readonly [string, ...string[]],
  draft: string,
  passwordFd: number,
): Promise<void> {
  const [initdb, ...more] = command
  const args = ['-D', HERE, '-U', SUPERUSER, '-A', 'scram-sha-256', '--pwfile=/proc/self/fd/0']
  return new Promise((done, fail) => {
    const child = spawn(initdb, [...args, '--locale=C', '-E', 'UTF8', '--no-instructions', ...more], {
      cwd: draft,
      env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
      stdio: [passwordFd, 'pipe', 'pipe'],
      ...(dropsRights() ? { uid: NOBODY, gid: NOBODY } : {}),
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes) => {
        said = (said + bytes).slice(-2000)
      })
    child.once('error', (fault) => fail(new Error(`initdb could not be started: ${fault.message}`)))
    child.once('close', (code) =>
      code === 0 ? done() : fail(new Error(`initdb failed with exit code ${code}:\n${said.trim()}`)),
    )
  })
}

function argumentsOf(port: number, durable: boolean): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '100',
    ...(durable ? {} : Object.fromEntries(NEVER_SAFE.map((name) => [name, 'off']))),
  }
  return ['-D', HERE, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/** The server writes its state into line 8 of its note, as its own pg_ctl reads it. */
async function saysReady(workingDir: string): Promise<boolean> {
  const note = await readFile(join(workingDir, 'postmaster.pid'), 'utf8').catch(() => '')
  return note.split('\n')[7]?.trim() === 'ready'
}
