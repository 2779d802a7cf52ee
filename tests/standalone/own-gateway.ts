/** `npm start` as a process of its own, on free ports and a folder of its own, the way a stranger runs it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bareEnvironment } from '../servers/environment.ts'

const MAIN = resolve(import.meta.dirname, '../../standalone/src/main.ts')

/** Any free port, taken by the listener itself: one picked beforehand could be gone when it is needed. */
const FREE_PORTS = { HEADGATE_PORT: '0', HEADGATE_ADMIN_PORT: '0', HEADGATE_OPS_PORT: '0' }

export type FirstRun = {
  gateway: string
  console: string
  adminApi: string
  adminToken: string
  demoKey: string
  signInLink: string | null
}

export type Started = {
  readonly firstRun: FirstRun
  readonly child: ChildProcess
  /** All it has written so far, both streams. */
  output(): string
  /** Sends SIGTERM and gives the exit code. */
  stop(): Promise<number | null>
}

export async function newDataDir(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-standalone-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Starts it and waits until it says it is ready. @throws Error with all it wrote when it ends before that */
export async function startOwn(dataDir: string, more: Record<string, string> = {}): Promise<Started> {
  const run = launch(dataDir, { ...FREE_PORTS, ...more })
  const ready = new Promise<void>((done, fail) => {
    run.child.stdout?.on('data', () => run.output().includes('Headgate is ready') && done())
    void run.exit.then((code) => fail(new Error(`ended with ${code}:\n${run.output()}`)))
  })
  await ready
  const firstRun = JSON.parse(await readFile(join(dataDir, 'first-run.json'), 'utf8')) as FirstRun
  return {
    firstRun,
    child: run.child,
    output: run.output,
    stop: () => {
      run.child.kill('SIGTERM')
      return run.exit
    },
  }
}

/** Starts it when it is expected to fail: gives the exit code and what it wrote. */
export async function startToFail(dataDir: string, more: Record<string, string>) {
  const run = launch(dataDir, { ...FREE_PORTS, ...more })
  const code = await run.exit
  return { code, output: run.output() }
}

function launch(dataDir: string, more: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...bareEnvironment(), HEADGATE_DATA_DIR: dataDir, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      text += bytes
    })
  }
  const exit = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  return { child, exit, output: () => text }
}
