/**
 * CPU time of a process and all its descendants, from /proc. It is the figure that travels best between
 * machines: throughput on a shared machine says who else was running.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** One line of /proc/<pid>/stat: clock ticks of its own, and of children that have ended. */
export type ProcessStat = {
  readonly pid: number
  readonly parentPid: number
  readonly ownTicks: number
  readonly reapedTicks: number
}

/** Time slices the kernel counts one core by; all in clock ticks since boot. */
export type CoreTicks = { readonly busy: number; readonly idle: number; readonly stolen: number }

/** Reads a line of /proc/<pid>/stat (proc(5)); null when it is not one. */
export function parseProcessStat(text: string): ProcessStat | null {
  // The command's name stands in parentheses and may hold spaces and parentheses itself.
  const nameEnd = text.lastIndexOf(')')
  const pid = Number.parseInt(text, 10)
  const fields = text
    .slice(nameEnd + 2)
    .split(' ')
    .map(Number)
  const field = (number: number) => fields[number - 3] ?? Number.NaN
  const stat = {
    pid,
    parentPid: field(4),
    ownTicks: field(14) + field(15),
    reapedTicks: field(16) + field(17),
  }
  return nameEnd > 0 && Object.values(stat).every(Number.isInteger) ? stat : null
}

/** Ticks of a process and everything below it, ended children that were waited for included. */
export function ticksOfTree(rootPid: number, all: readonly ProcessStat[]): number {
  const childrenOf = new Map<number, ProcessStat[]>()
  for (const stat of all) {
    const siblings = childrenOf.get(stat.parentPid)
    if (siblings) siblings.push(stat)
    else childrenOf.set(stat.parentPid, [stat])
  }
  let ticks = 0
  const waiting = all.filter((stat) => stat.pid === rootPid)
  for (let stat = waiting.pop(); stat !== undefined; stat = waiting.pop()) {
    ticks += stat.ownTicks + stat.reapedTicks
    waiting.push(...(childrenOf.get(stat.pid) ?? []))
  }
  return ticks
}

/**
 * Reads the lines `cpu0`, `cpu1`, … of /proc/stat. Interrupt time is left out of `busy`: the traffic of the
 * bench itself causes it, and no process is charged with it.
 */
export function parseCoreTicks(text: string): CoreTicks[] {
  const cores: CoreTicks[] = []
  for (const line of text.split('\n')) {
    const [, number, rest = ''] = /^cpu(\d+) (.*)$/.exec(line) ?? []
    if (number === undefined) continue
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, , , stolen = 0] = rest
      .trim()
      .split(/\s+/)
      .map(Number)
    cores[Number(number)] = { busy: user + nice + system, idle: idle + wait, stolen }
  }
  return cores
}

/** Every process there is now. */
export function readProcesses(): ProcessStat[] {
  const all: ProcessStat[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = parseProcessStat(readFileSync(`/proc/${name}/stat`, 'latin1'))
      if (stat !== null) all.push(stat)
    } catch {
      // A process that ended between the listing and the reading has nothing to add.
    }
  }
  return all
}

/** Every core's ticks now. */
export function readCores(): CoreTicks[] {
  return parseCoreTicks(readFileSync('/proc/stat', 'latin1'))
}
