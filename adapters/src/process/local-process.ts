/**
 * Somebody else's server (Postgres, Redis) run as a child beside us, for evaluation and tests.
 * The child lives in a session of its own, so that Ctrl-C in a terminal reaches us and not it: we drain
 * first and stop it last. Its output goes to a file, because a pipe would break when we die before it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Both servers refuse root or should not have it; `nobody` exists on every Linux. */
export const NOBODY = 65534

const LOG_BYTES_MAX = 5_000_000
const STOP_PATIENCE_MS = 10_000
const POLL_MS = 10

export type LocalProcessPlan = {
  /** What people call it, for messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Entered before the rights are dropped, so the folders above it may be closed to `nobody`. */
  readonly workingDir: string
  readonly logPath: string
  /** Text for its standard input. */
  readonly input?: string
  /** Signals that end it, politest first; each is given time before the next. SIGKILL comes last by itself. */
  readonly stopSignals: readonly NodeJS.Signals[]
  /** Says whether it serves. Asked again and again until it does. */
  readonly isReady: () => Promise<boolean>
  readonly readyTimeoutMs: number
}

export type LocalProcess = {
  readonly pid: number
  /** Resolves with a sentence when the server ends without being asked to; stays open otherwise. */
  readonly died: Promise<string>
  /** Ends the server and resolves when it is gone. May be called more than once. */
  stop(): Promise<void>
}

/** True when we are root and therefore run servers as `nobody`. */
export function dropsRights(): boolean {
  return process.getuid?.() === 0
}

/**
 * Starts the server and waits until it is ready.
 * @throws Error with the end of its log when it ends first or the time is up.
 */
export async function startLocalProcess(plan: LocalProcessPlan): Promise<LocalProcess> {
  const child = spawnChild(plan)
  const ended = endOf(child)
  const running = handleOn(child, ended, plan)
  try {
    await untilReady(plan, ended)
    return running
  } catch (fault) {
    await running.stop()
    throw fault
  }
}

function spawnChild(plan: LocalProcessPlan): ChildProcess {
  const log = openSync(plan.logPath, isTooLong(plan.logPath) ? 'w' : 'a', 0o600)
  try {
    const child = spawn(plan.command, plan.args, {
      cwd: plan.workingDir,
      env: { ...plan.env },
      stdio: [plan.input === undefined ? 'ignore' : 'pipe', log, log],
      detached: true,
      ...(dropsRights() ? { uid: NOBODY, gid: NOBODY } : {}),
    })
    child.unref()
    // A server that ends at once closes its input under our pen; `ended` tells that story better.
    child.stdin?.on('error', () => {})
    child.stdin?.end(plan.input)
    return child
  } finally {
    closeSync(log)
  }
}

function isTooLong(logPath: string): boolean {
  return (statSync(logPath, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX
}

/** Resolves with how it ended: at once if it could not even be started. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (fault) => resolve(`could not be started: ${fault.message}`))
    child.once('exit', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
    )
  })
}

async function untilReady(plan: LocalProcessPlan, ended: Promise<string>): Promise<void> {
  let end: string | null = null
  void ended.then((how) => {
    end = how
  })
  const deadline = performance.now() + plan.readyTimeoutMs
  while (!(await plan.isReady())) {
    if (end !== null) throw new Error(`${plan.name} ${end}. ${lastWords(plan.logPath)}`)
    if (performance.now() > deadline)
      throw new Error(
        `${plan.name} was not ready within ${plan.readyTimeoutMs / 1000} s. ${lastWords(plan.logPath)}`,
      )
    await sleep(POLL_MS)
  }
}

function lastWords(logPath: string): string {
  const lines = readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-8).join('\n')
  return `The end of ${logPath}:\n${lines}`
}

function handleOn(child: ChildProcess, ended: Promise<string>, plan: LocalProcessPlan): LocalProcess {
  let stopping: Promise<void> | null = null
  // process.exit() and uncaught faults run no clean-up of ours; this at least asks the child to go.
  const onExit = () => child.kill(plan.stopSignals[0])
  process.once('exit', onExit)
  void ended.then(() => process.removeListener('exit', onExit))
  return {
    pid: child.pid ?? 0,
    died: new Promise((resolve) => {
      void ended.then((how) => {
        if (stopping === null) resolve(`${plan.name} ${how}; its log is ${plan.logPath}`)
      })
    }),
    stop() {
      stopping ??= stopChild(child, ended, plan.stopSignals)
      return stopping
    },
  }
}

async function stopChild(
  child: ChildProcess,
  ended: Promise<string>,
  stopSignals: readonly NodeJS.Signals[],
): Promise<void> {
  for (const signal of [...stopSignals, 'SIGKILL' as const]) {
    child.kill(signal)
    const patience = new AbortController()
    const gone = await Promise.race([
      ended.then(() => true),
      sleep(STOP_PATIENCE_MS, false, { signal: patience.signal }).catch(() => false),
    ])
    patience.abort()
    if (gone) return
  }
}
