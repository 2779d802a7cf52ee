/**
 * Running other programs from the commands: in the foreground, where their output is ours, or quietly, for
 * their answer. Either way a signal sent to us reaches them, and their exit code is told.
 */
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'

/** Where the registry cannot be reached npm by itself waits minutes before it says so. */
export const NPM_FLAGS = [
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--fetch-retries=1',
  '--fetch-retry-mintimeout=1000',
]

/** A fault whose message alone is meant for people: no stack is shown. */
export class Sorry extends Error {
  constructor(message, code = 1) {
    super(message)
    this.code = code
  }
}

/** @throws Sorry when the program failed: with the sentence given, or shortly when a signal broke it off. */
export function insist({ code, out }, sentence) {
  if (code > 128) throw new Sorry('Broken off.', code)
  if (code !== 0) throw new Sorry(`${sentence} ${lastLines(out)}`)
}

/** Runs a program in the foreground. @returns its exit code; 128 + n when signal n ended it, as shells say. */
export async function runInForeground(command, args, options = {}) {
  return (await run(command, args, { stdio: 'inherit', ...options })).code
}

/** Runs a program for its answer. @returns `{ code, out }`, where `out` is all it said on either stream. */
export function runQuietly(command, args, options = {}) {
  return run(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
}

function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options)
    // In a terminal Ctrl-C reaches the child by itself as well; a second copy does no harm.
    const pass = (signal) => child.kill(signal)
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
    for (const signal of signals) process.on(signal, pass)
    const forget = () => {
      for (const signal of signals) process.removeListener(signal, pass)
    }
    let out = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => {
        out += text
      })
    child.once('error', (fault) => {
      forget()
      reject(new Sorry(`${command} could not be started: ${fault.message}`))
    })
    child.once('close', (code, signal) => {
      forget()
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 1), out })
    })
  })
}

/** Asks a short question that nobody will want to break off. @returns `{ ok, out }`. */
export function ask(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, ...options })
  return { ok: done.status === 0, out: `${done.stdout ?? ''}${done.stderr ?? done.error?.message ?? ''}` }
}

/** The last lines of what a program said, for a sentence about its failure. */
export function lastLines(out) {
  return out.trim().split('\n').slice(-5).join('\n')
}
