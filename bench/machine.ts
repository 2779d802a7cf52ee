/** The machine a figure was taken on, and the state of the code: without them a figure cannot be compared. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

export type Machine = {
  /** UTC, to the minute. */
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  readonly loadAverage: string
  /** The unit of CPU time in /proc. */
  readonly ticksPerSecond: number
}

/** Reads it all. */
export function readMachine(now: Date): Machine {
  return {
    date: `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    commit: commitOf(fileURLToPath(new URL('..', import.meta.url))),
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    loadAverage: readLoadAverage(),
    ticksPerSecond: Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100,
  }
}

/** The three load averages, as the kernel writes them. */
export function readLoadAverage(): string {
  return readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')
}

/** What is said of it at the top of a report. */
export function machineLines(machine: Machine): string[] {
  const { cpu, cores, memoryGib, kernel, node } = machine
  return [`${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}, Node ${node}`]
}

function commitOf(folder: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changed = git('status', '--porcelain', '--', '.', ':!docs/bench.md') !== ''
    return `${git('rev-parse', '--short=10', 'HEAD')}${changed ? ' with uncommitted changes' : ''}`
  } catch {
    return 'unknown (no commit to name)'
  }
}
