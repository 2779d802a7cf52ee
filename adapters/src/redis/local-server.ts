/**
 * A real Redis (or Valkey) beside us, for evaluation and tests, where no REDIS_URL is given. This file only
 * finds and runs one; bringing it onto the machine is the work of `scripts/bootstrap.mjs`.
 * Its configuration, password included, goes in through standard input, so it is neither on disk nor in `ps`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdir, realpath } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { claimFolder, stopLeftOvers } from '../process/claim-folder.ts'
import { dropsRights, type LocalProcess, NOBODY, startLocalProcess } from '../process/local-process.ts'
import {
  freePort,
  newPassword,
  readServerState,
  type ServerState,
  writeServerState,
} from '../process/server-state.ts'

const PROGRAMS = ['redis-server', 'valkey-server'] as const
/** Where bootstrap unpacks one when it may not install it; see scripts/bring-redis.mjs. */
const UNPACKED = resolve(import.meta.dirname, '../../../tools/redis/bin/redis-server')
const READY_TIMEOUT_MS = 60_000
const PROBE_TIMEOUT_MS = 1_000

export type RedisServerSearch = { readonly command: string } | { readonly reason: string }

export type LocalRedisPlan = {
  /** Its own folder; made if need be. */
  readonly dataDir: string
  /** True keeps the data over a restart (append-only file); false forgets it, for tests. */
  readonly persistent: boolean
  /** Numbered databases; 16 unless said. Tests take one per file. */
  readonly databases?: number
}

export type LocalRedis = LocalProcess & { readonly url: string }

/**
 * Finds a server program on the PATH or where bootstrap put one; else the reason, with the way to get it.
 * @param searchPath folders to search instead of the PATH of this process.
 */
export function findRedisServer(searchPath?: string): RedisServerSearch {
  // The shell looks through our own PATH, so that this file need not read the environment.
  const found = spawnSync(
    '/bin/sh',
    ['-c', PROGRAMS.map((program) => `command -v ${program}`).join(' || ')],
    {
      encoding: 'utf8',
      ...(searchPath === undefined ? {} : { env: { PATH: searchPath } }),
    },
  )
  if (found.status === 0) return { command: found.stdout.trim() }
  if (existsSync(UNPACKED)) return { command: UNPACKED }
  return {
    reason:
      'no redis-server or valkey-server is on the PATH: install one (Debian: apt-get install redis-server), ' +
      'or set REDIS_URL',
  }
}

/**
 * Starts a server of our own on a free loopback port, with a random password. A server left over from a
 * killed process on the same folder is ended first.
 * @throws Error when there is no program, when it does not start, or when the folder is in use.
 */
export async function startLocalRedis(plan: LocalRedisPlan): Promise<LocalRedis> {
  const found = findRedisServer()
  if ('reason' in found) throw new Error(found.reason)
  const folder = resolve(plan.dataDir)
  const release = await claimFolder(folder)
  try {
    const running = await run(found.command, folder, plan)
    return { ...running, stop: () => running.stop().finally(release) }
  } catch (fault) {
    await release()
    throw fault
  }
}

async function run(command: string, folder: string, plan: LocalRedisPlan): Promise<LocalRedis> {
  const workingDir = join(folder, 'data')
  await mkdir(workingDir, { recursive: true, mode: 0o700 })
  if (dropsRights()) await chown(workingDir, NOBODY, NOBODY)
  await stopLeftOvers(workingDir, PROGRAMS, 'SIGTERM')
  const before = await readServerState(folder)
  const state = { port: await freePort(before?.port), password: before?.password ?? newPassword() }
  await writeServerState(folder, state)
  const server = await startLocalProcess({
    name: 'Redis',
    command: await realpathKeepingName(command),
    args: ['-'],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    workingDir,
    logPath: join(folder, 'server.log'),
    input: configOf(state, plan),
    stopSignals: ['SIGTERM'],
    isReady: () => answers(state),
    readyTimeoutMs: READY_TIMEOUT_MS,
  })
  return { ...server, url: `redis://default:${state.password}@127.0.0.1:${state.port}` }
}

/** The folder resolved, the last name kept: Debian's redis-server is a link whose name says what to be. */
async function realpathKeepingName(command: string): Promise<string> {
  return join(await realpath(join(command, '..')), command.slice(command.lastIndexOf('/') + 1))
}

/** `noeviction`: a counter that is quietly dropped would be a limit that does not hold. */
function configOf({ port, password }: ServerState, { persistent, databases = 16 }: LocalRedisPlan): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${port}`,
    `requirepass ${password}`,
    `databases ${databases}`,
    'daemonize no',
    'save ""',
    `appendonly ${persistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
    'enable-debug-command no',
    '',
  ].join('\n')
}

/** Asks over a socket of its own; while it still loads its data the server answers -LOADING, not +PONG. */
function answers({ port, password }: ServerState): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port })
    let reply = ''
    const end = (ready: boolean) => {
      socket.destroy()
      done(ready)
    }
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => done(false))
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1')
      if (reply.includes('+PONG')) end(true)
      else if (reply.split('\r\n').length > 2 || reply.startsWith('-')) end(false)
    })
  })
}
