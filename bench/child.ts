/**
 * A child is a process the bench starts, on the core it belongs on, and ends again: asked first, killed when
 * it does not listen. Nothing is ended that was not started here.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** Children get this and what their plan says: settings of the shell must not change what is measured. */
export const PLAIN_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
}
/** Chooses the cores of a process (util-linux). */
export const PINNING_PROGRAM = 'taskset'

const STOP_TIMEOUT_MS = 5000
const KEPT_ERROR_CHARS = 2000
const KEPT_LINES = 20

export type ChildPlan = {
  readonly name: string
  /** The core it may run on; null leaves the choice to the kernel. */
  readonly core: number | null
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export type Child = {
  readonly pid: number
  /** The next line of standard output that starts with `prefix`; throws when the child ends first. */
  line(prefix: string, timeoutMs: number): Promise<string>
  /** Resolves when the child has ended, however it ended. */
  readonly ended: Promise<void>
  /** The end of what it said, or how it ended. */
  lastWords(): string
  stop(): Promise<void>
}

/**
 * Starts a process, pinned to its core (`taskset` replaces itself by the command, so the pid is the command's).
 * @throws Error when it cannot be started at all
 */
export async function startChild(plan: ChildPlan): Promise<Child> {
  const pinned = plan.core === null ? [] : [PINNING_PROGRAM, '-c', String(plan.core)]
  const [command = '', ...args] = [...pinned, plan.command, ...plan.args]
  const process_ = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...PLAIN_ENVIRONMENT, ...plan.env },
  })
  const { pid } = process_
  const ended = new Promise<void>((resolve) => {
    process_.once('close', () => resolve())
    process_.once('error', () => resolve())
  })
  if (pid === undefined) {
    throw new Error(
      `${plan.name} cannot be started: ${command} is not here (${PINNING_PROGRAM} is in util-linux)`,
    )
  }
  const out = readLines(process_)
  const errors = keepErrors(process_)
  const lastWords = () =>
    errors() || out.last() || `it ended with ${process_.exitCode ?? process_.signalCode}`
  return {
    pid,
    ended,
    lastWords,
    async line(prefix, timeoutMs) {
      const timer = new AbortController()
      const late = sleep(timeoutMs, 'late' as const, { signal: timer.signal }).catch(() => 'late' as const)
      const gone = ended.then(() => 'gone' as const)
      const got = await Promise.race([out.next(prefix), late, gone])
      timer.abort()
      if (typeof got === 'object') return got.line
      const why = got === 'late' ? `said nothing of the kind within ${timeoutMs} ms` : 'ended'
      throw new Error(`${plan.name}: waiting for "${prefix}…", but it ${why}: ${lastWords()}`)
    },
    stop: () => stopProcess(process_, ended),
  }
}

async function stopProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
  await ended
  clearTimeout(patience)
}

function readLines(child: ChildProcess) {
  // Only what was said last is kept: a gateway may write a log for as long as it runs.
  const lines: string[] = []
  let partial = ''
  let wake = Promise.withResolvers<void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (partial + text).split('\n')
    partial = parts.pop() ?? ''
    lines.push(...parts)
    lines.splice(0, lines.length - KEPT_LINES)
    wake.resolve()
    wake = Promise.withResolvers<void>()
  })
  const next = async (prefix: string): Promise<{ line: string }> => {
    for (;;) {
      const at = lines.findIndex((line) => line.startsWith(prefix))
      if (at >= 0) return { line: lines.splice(0, at + 1)[at] ?? '' }
      await wake.promise
    }
  }
  return { next, last: () => lines.join('\n').slice(-KEPT_ERROR_CHARS) }
}

function keepErrors(child: ChildProcess): () => string {
  let kept = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    kept = (kept + text).slice(-KEPT_ERROR_CHARS)
  })
  return () => kept.trim()
}
